// Starts the embedded database in a separate thread, so that an fsync or a scan does not block the service's event
// loop. The service then connects to it as to any MongoDB.
import { Worker } from "node:worker_threads";

import { AddressFile } from "./address.ts";
import type { WorkerReport } from "./worker.ts";

/** A running embedded database. */
export interface EmbeddedMongo {
  /** Connection string for a MongoDB driver. */
  uri: string;
  /** Closes the file and ends the thread. Acknowledged writes are durable already. */
  close(): Promise<void>;
}

/**
 * Opens the database in `file`, or creates it.
 *
 * @param onFailure called when the thread ends without `close`: the database cannot be used any more
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
    void exited.then(() => reject(new Error("the embedded database's thread ended before it was ready")));
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

/** The URI of the process that has opened `file`, or null. The process may end before the caller connects. */
export function findRunningEmbeddedMongo(file: string): string | null {
  return new AddressFile(file).read();
}
