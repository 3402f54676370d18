// Counts views without delaying a single one: counts gather in memory and go to the database together. Called by
// `rest/media.route.ts` for each view, and by `media-service.ts` whenever somebody reads a count.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { MediaId } from "../domain/ids.ts";

/** Views that a crash may lose are at most those of this time. */
export const FLUSH_INTERVAL_MS = 2_000;

export class ViewCounter {
  /** Counted here and not yet in the database. */
  readonly #pending = new Map<MediaId, number>();
  #countedTotal = 0;
  #readerCount = 0;
  #flush: Promise<void> | null = null;
  #onNoReader: (() => void) | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly media: MediaRepository,
    readonly log: FastifyBaseLogger,
  ) {}

  /** Starts to flush from time to time. */
  start(): void {
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS).unref();
  }

  /** Counts one view. */
  count(id: MediaId): void {
    this.#countedTotal += 1;
    this.#pending.set(id, this.pendingCount(id) + 1);
  }

  /** The views of a picture that its record does not have yet. Right only within `reading`. */
  pendingCount(id: MediaId): number {
    return this.#pending.get(id) ?? 0;
  }

  /** Views counted since the start, and those that no record has yet. */
  get totals(): { counted: number; pending: number } {
    return {
      counted: this.#countedTotal,
      pending: [...this.#pending.values()].reduce((sum, count) => sum + count, 0),
    };
  }

  /**
   * Runs a read of records while no flush is under way: else the views of that flush would be missing from the
   * sum, or be in it twice, and a count could fall.
   */
  async reading<Result>(read: () => Promise<Result>): Promise<Result> {
    while (this.#flush) await this.#flush;
    this.#readerCount += 1;
    try {
      return await read();
    } finally {
      this.#readerCount -= 1;
      if (this.#readerCount === 0) this.#onNoReader?.();
    }
  }

  /** Adds all pending views to the records. Views that could not be added stay pending. */
  flush(): Promise<void> {
    this.#flush ??= this.#flushOnce().finally(() => {
      this.#flush = null;
    });
    return this.#flush;
  }

  /** Flushes for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush;
    await this.flush();
  }

  async #flushOnce(): Promise<void> {
    if (this.#readerCount > 0) await new Promise<void>((resolve) => (this.#onNoReader = resolve));
    const counts = new Map(this.#pending);
    if (counts.size === 0) return;
    try {
      await this.media.addViews(counts);
    } catch (error) {
      this.log.error(
        { err: error, pictureCount: counts.size },
        "views could not be flushed; they stay pending",
      );
      return;
    }
    for (const [id, count] of counts) this.#subtract(id, count);
  }

  #subtract(id: MediaId, flushedCount: number): void {
    const left = this.pendingCount(id) - flushedCount;
    if (left > 0) this.#pending.set(id, left);
    else this.#pending.delete(id);
  }
}
