// Bounds the memory of bodies that clients do not read. A response has no minimum rate, because a slow phone may need
// minutes: when too much waits, the connection that has waited longest is closed.
import type { ServerResponse } from "node:http";

/** Enough for 160 of the largest originals. */
const MAX_UNSENT_BYTES = 128 * 1024 * 1024;

export class UnsentBytes {
  /** The memory behind each body, in the order in which the responses were sent. */
  readonly #memory = new Map<ServerResponse, ArrayBufferLike>();
  /** How many responses hold each piece of memory: a body may be a part of it, and several responses may share it. */
  readonly #holders = new Map<ArrayBufferLike, number>();
  #bytes = 0;

  constructor(readonly maxBytes = MAX_UNSENT_BYTES) {}

  /** Counts the memory behind a body that was just sent, until the operating system has taken all of it. */
  add(response: ServerResponse, { buffer }: Buffer): void {
    const isTaken = response.socket?.writableLength === 0; // Nearly always: the system's buffer had room.
    if (isTaken || response.destroyed) return;
    this.#memory.set(response, buffer);
    const holders = this.#holders.get(buffer) ?? 0;
    if (holders === 0) this.#bytes += buffer.byteLength;
    this.#holders.set(buffer, holders + 1);
    const remove = () => this.#remove(response);
    response.once("finish", remove).once("close", remove);
    for (const oldest of this.#memory.keys()) {
      if (this.#bytes <= this.maxBytes) return;
      this.#remove(oldest);
      oldest.destroy();
    }
  }

  #remove(response: ServerResponse): void {
    const buffer = this.#memory.get(response);
    if (!buffer) return;
    this.#memory.delete(response);
    const holders = this.#holders.get(buffer)! - 1;
    if (holders > 0) return void this.#holders.set(buffer, holders);
    this.#holders.delete(buffer);
    this.#bytes -= buffer.byteLength;
  }
}
