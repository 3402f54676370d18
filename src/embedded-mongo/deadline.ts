// When the command that is being run has to be done. One for the whole server, which runs one command at a time; set
// by `commands.ts`, asked by whatever may take long, also by a cursor that goes on in a later command.
import { MongoError } from "./errors.ts";

export class Deadline {
  #atMs = Infinity;

  /** @param maxTimeMs 0 means that the command may take its time */
  start(maxTimeMs: number): void {
    this.#atMs = maxTimeMs > 0 ? Date.now() + maxTimeMs : Infinity;
  }

  /** @throws MaxTimeMSExpired */
  check(): void {
    if (Date.now() > this.#atMs) throw new MongoError("MaxTimeMSExpired", "operation exceeded time limit");
  }
}
