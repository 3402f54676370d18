// Objects that are asked for often, in memory in front of the storage. Made by `app.ts`.
import { BoundedCache } from "../domain/bounded-cache.ts";
import type { ListedObject, ObjectStorage } from "./object-storage.ts";

/** What is found here is not stale: under one key there is one object, or none, unless a program repairs it. */
export class HotStorage implements ObjectStorage {
  readonly #hot: BoundedCache<string, Buffer>;
  readonly #reading = new Map<string, Promise<Buffer | null>>();

  /** @param maxBytes of all objects in memory together */
  constructor(
    readonly storage: ObjectStorage,
    maxBytes: number,
  ) {
    this.#hot = new BoundedCache(maxBytes);
  }

  get state(): { count: number; weight: number; hits: number; misses: number } {
    return this.#hot.state;
  }

  /** The object, if it is in memory. */
  peek(objectKey: string): Buffer | undefined {
    return this.#hot.get(objectKey);
  }

  /** However many ask at once, the storage is asked once. */
  async read(objectKey: string): Promise<Buffer | null> {
    const hot = this.#hot.get(objectKey);
    if (hot) return hot;
    const underWay = this.#reading.get(objectKey);
    if (underWay) return underWay;
    const reading = this.storage.read(objectKey);
    this.#reading.set(objectKey, reading);
    try {
      const bytes = await reading;
      const isStillThere = this.#reading.get(objectKey) === reading;
      if (bytes && isStillThere) this.#hot.set(objectKey, bytes, bytes.length);
      return bytes;
    } finally {
      if (this.#reading.get(objectKey) === reading) this.#reading.delete(objectKey);
    }
  }

  async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    await this.storage.put(objectKey, bytes);
    this.#forget(objectKey); // The doctor replaces what is unreadable.
  }

  stat(objectKey: string): Promise<{ sizeBytes: number } | null> {
    return this.storage.stat(objectKey);
  }

  async delete(objectKey: string): Promise<void> {
    await this.storage.delete(objectKey);
    this.#forget(objectKey);
  }

  list(): AsyncIterable<ListedObject> {
    return this.storage.list();
  }

  check(): Promise<void> {
    return this.storage.check();
  }

  #forget(objectKey: string): void {
    this.#hot.delete(objectKey);
    this.#reading.delete(objectKey); // What is being read may be what was there before.
  }
}
