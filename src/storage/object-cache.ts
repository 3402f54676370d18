// Keeps the bytes of objects in memory: small objects after the first read, large ones after the second.
import { Cache, type CacheState } from "../runtime/cache.ts";

/** Maximum size of a small object. Nearly every thumbnail and square is smaller. */
const SMALL_BYTES = 64 * 1024;

export class ObjectCache {
  readonly #bytes: Cache<string, Buffer | null>;
  /** Ghost list: the sizes of large objects that were read once, for as long as the objects would have stayed. */
  readonly #readOnce: Cache<string, number>;

  /** @param maxBytes limit for all objects in memory together */
  constructor(readonly maxBytes: number) {
    this.#bytes = new Cache({
      maxWeight: maxBytes,
      weightOf: (bytes) => bytes!.length,
      shouldStore: (bytes, key) => bytes !== null && this.shouldStore(key, bytes.length),
    });
    this.#readOnce = new Cache({ maxWeight: maxBytes, weightOf: (sizeBytes) => sizeBytes });
  }

  get state(): CacheState {
    return this.#bytes.state;
  }

  peek(key: string): Buffer | undefined {
    return this.#bytes.get(key) ?? undefined;
  }

  /** Concurrent callers share one call of `load`. */
  read(key: string, load: () => Promise<Buffer | null>): Promise<Buffer | null> {
    return this.#bytes.load(key, load);
  }

  /**
   * Decides on a cache miss whether to store the object, and records the first read of a large object. A large object
   * is stored when it is read again before it would have been evicted: it takes the place of a hundred small ones, and
   * most originals are read once.
   */
  shouldStore(key: string, sizeBytes: number): boolean {
    if (sizeBytes <= SMALL_BYTES || this.#readOnce.get(key) !== undefined) return sizeBytes <= this.maxBytes;
    this.#readOnce.set(key, sizeBytes);
    return false;
  }

  forget(key: string): void {
    this.#bytes.delete(key);
  }
}
