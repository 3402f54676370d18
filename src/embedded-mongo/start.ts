// Starts the embedded database in a thread of its own, so that neither an fsync nor a scan holds up a request.
// Called by `database/connection.ts`, which then connects like to any MongoDB.
import { Worker } from "node:worker_threads";

import { AddressFile } from "./address.ts";
import type { WorkerReport } from "./worker.ts";

/** A running embedded database. */
export interface EmbeddedMongo {
  /** For a MongoDB driver. */
  uri: string;
  /** Closes the file. All writes that were acknowledged are durable already. */
  close(): Promise<void>;
}

/**
 * Opens, or creates, the database in `file`.
 *
 * @param onFailure called when the thread ends by itself; the database is then gone
 * @throws Error when the file cannot be opened, is locked by another process or has a newer format
 */
export async function startEmbeddedMongo(
  file: string,
  onFailure: (error: Error) => void,
): Promise<EmbeddedMongo> {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: { file } });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const report = await new Promise<WorkerReport>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
    void exited.then(() => reject(new Error("the embedded database's thread ended at once")));
  });
  if ("failure" in report) {
    await exited;
    throw new Error(report.failure);
  }
  let isClosing = false;
  worker.on("error", (error) => {
    if (!isClosing) onFailure(error);
  });
  worker.on("exit", (code) => {
    if (!isClosing) onFailure(new Error(`the embedded database's thread ended with code ${code}`));
  });
  return {
    uri: report.uri,
    async close() {
      isClosing = true;
      worker.postMessage("stop");
      await exited;
    },
  };
}

/** The URI of the process that has opened `file`; null when none has. It may have been killed since. */
export function findRunningEmbeddedMongo(file: string): string | null {
  return new AddressFile(file).read();
}
