// The thread of the embedded database. Reports the server's URI, or why the server could not start.
import { parentPort, workerData } from "node:worker_threads";

import { EmbeddedMongoServer } from "./server.ts";

/** Posted once: the URI of the running server, or the reason why it did not start. */
export type WorkerReport = { uri: string } | { failure: string };

const { file } = workerData as { file: string };
const report = (message: WorkerReport) => parentPort!.postMessage(message);

try {
  const { server, uri } = await EmbeddedMongoServer.start(file);
  parentPort!.once("message", () => {
    // The only message is the request to stop.
    void server.close().then(() => parentPort!.close());
  });
  report({ uri });
} catch (error) {
  report({ failure: (error as Error).message });
}
