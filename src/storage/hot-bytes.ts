// Bytes that are asked for often, in memory. Used by `hot-storage.ts` for objects, and by `services/renditions.ts`.
import { BoundedCache } from "../domain/bounded-cache.ts";

export class HotBytes {
  readonly #hot: BoundedCache<string, Buffer>;
  readonly #reading = new Map<string, Promise<Buffer | null>>();

  /** @param maxBytes of all that is in memory together */
  constructor(maxBytes: number) {
    this.#hot = new BoundedCache(maxBytes);
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
      if (bytes && isStillThere) this.#hot.set(key, bytes, bytes.length);
      return bytes;
    } finally {
      if (this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  forget(key: string): void {
    this.#hot.delete(key);
    this.#reading.delete(key); // What is being read may be what was there before.
  }
}
