// Bytes that are asked for often, in memory. Used by `hot-storage.ts` for objects, and by `services/media-service.ts`.
import { BoundedCache } from "../runtime/bounded-cache.ts";

/** The size of a thumbnail or a square, nearly always. */
const SMALL_BYTES = 64 * 1024;

export class HotBytes {
  readonly #hot: BoundedCache<string, Buffer>;
  /** Of the large ones that were not kept, those that would still be there if they had been. */
  readonly #missed: BoundedCache<string, true>;
  readonly #reading = new Map<string, Promise<Buffer | null>>();

  /** @param maxBytes of all that is in memory together */
  constructor(maxBytes: number) {
    this.#hot = new BoundedCache(maxBytes);
    this.#missed = new BoundedCache(maxBytes);
  }

  get state(): { count: number; weight: number; hits: number; misses: number } {
    return this.#hot.state;
  }

  peek(key: string): Buffer | undefined {
    return this.#hot.get(key);
  }

  /** However many ask at once, `load` is called once. */
  async read(key: string, load: () => Promise<Buffer | null>): Promise<Buffer | null> {
    const hot = this.#hot.get(key) ?? this.#reading.get(key);
    if (hot) return hot;
    const reading = load();
    this.#reading.set(key, reading);
    try {
      const bytes = await reading;
      const isStillThere = this.#reading.get(key) === reading;
      if (bytes && isStillThere && this.isWorthKeeping(key, bytes.length))
        this.#hot.set(key, bytes, bytes.length);
      return bytes;
    } finally {
      if (this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  /**
   * What is large is kept once it was asked for twice within so little time that it would not have been given up in
   * between: in its place are a hundred small ones, and most originals are looked at once. To be called whenever it is
   * asked for and is not there.
   */
  isWorthKeeping(key: string, sizeBytes: number): boolean {
    if (sizeBytes <= SMALL_BYTES || this.#missed.get(key)) return sizeBytes <= this.#hot.maxWeight;
    this.#missed.set(key, true, sizeBytes);
    return false;
  }

  forget(key: string): void {
    this.#hot.delete(key);
    this.#reading.delete(key); // What is being read may be what was there before.
  }
}
