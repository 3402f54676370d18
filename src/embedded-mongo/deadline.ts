// The time limit of the running command. The server runs one command at a time, so all commands share one `Deadline`.
// A cursor that an earlier command opened checks the limit of the command that continues it.
import { MongoError } from "./errors.ts";

export class Deadline {
  #atMs = Infinity;

  /** @param maxTimeMs 0 for no limit */
  start(maxTimeMs: number): void {
    this.#atMs = maxTimeMs > 0 ? Date.now() + maxTimeMs : Infinity;
  }

  /** @throws MaxTimeMSExpired */
  check(): void {
    if (Date.now() > this.#atMs) throw new MongoError("MaxTimeMSExpired", "operation exceeded time limit");
  }
}
