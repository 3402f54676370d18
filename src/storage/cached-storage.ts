// Keeps frequently read objects in memory, in front of a storage.
import type { ObjectCache } from "./object-cache.ts";
import {
  keepBytes,
  type LentBytes,
  type ListedObject,
  type ObjectStorage,
  type SignedHeaders,
} from "./object-storage.ts";

/**
 * Cached bytes do not become stale, because the object under a key never changes. The exception is a thumbnail that the
 * doctor draws again: the service may still have the old one in memory.
 */
export class CachedStorage implements ObjectStorage {
  constructor(
    readonly storage: ObjectStorage,
    readonly hot: ObjectCache,
  ) {}

  async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    await this.storage.put(objectKey, bytes);
    this.hot.forget(objectKey);
  }

  read(objectKey: string, sizeBytes: number | null = null): Promise<Buffer | null> {
    return this.hot.read(objectKey, () => this.storage.read(objectKey, sizeBytes));
  }

  async lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null> {
    if (sizeBytes !== null && !this.hot.shouldStore(objectKey, sizeBytes))
      return this.storage.lend(objectKey, sizeBytes);
    const bytes = await this.read(objectKey, sizeBytes);
    return bytes && keepBytes(bytes);
  }

  stat(objectKey: string, sizeBytes: number | null = null): Promise<{ sizeBytes: number } | null> {
    return this.storage.stat(objectKey, sizeBytes);
  }

  sign(objectKey: string, headers: SignedHeaders, sizeBytes: number | null = null): Promise<string | null> {
    return this.storage.sign(objectKey, headers, sizeBytes);
  }

  findOrigins(): Promise<string[]> {
    return this.storage.findOrigins();
  }

  async delete(objectKey: string): Promise<void> {
    await this.storage.delete(objectKey);
    this.hot.forget(objectKey);
  }

  list(): AsyncIterable<ListedObject> {
    return this.storage.list();
  }

  check(): Promise<void> {
    return this.storage.check();
  }
}
