// Bounds the memory of responses that clients do not read. A response has no minimum rate, because a slow phone may need
// minutes: when too much waits, the connection that has waited longest is closed.
import type { ServerResponse } from "node:http";

/** Some hundred originals. Responses from a cache do not count, because they share its memory. */
const MAX_UNSENT_BYTES = 128 * 1024 * 1024;

export class UnsentBytes {
  /** In the order in which they were sent. */
  readonly #sizes = new Map<ServerResponse, number>();
  #bytes = 0;

  constructor(readonly maxBytes = MAX_UNSENT_BYTES) {}

  /** Counts a body that only its response holds, until the operating system has taken all of it. */
  add(response: ServerResponse, sizeBytes: number): void {
    if (response.writableFinished || response.destroyed) return;
    this.#sizes.set(response, sizeBytes);
    this.#bytes += sizeBytes;
    const remove = () => this.#remove(response);
    response.once("finish", remove).once("close", remove);
    for (const oldest of this.#sizes.keys()) {
      if (this.#bytes <= this.maxBytes) return;
      this.#remove(oldest);
      oldest.destroy();
    }
  }

  #remove(response: ServerResponse): void {
    this.#bytes -= this.#sizes.get(response) ?? 0;
    this.#sizes.delete(response);
  }
}
