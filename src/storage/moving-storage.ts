// Combines two storages while `operations/move-objects.ts` moves the objects from one to the other, so that all
// pictures stay available. STORAGE_FALLBACK_URL is the address of the old storage.
import {
  assertSize,
  isWhole,
  keepBytes,
  type LentBytes,
  type ListedObject,
  type ObjectStorage,
  type SignedHeaders,
} from "./object-storage.ts";

export class MovingStorage implements ObjectStorage {
  /** @param to the storage that receives new objects @param from the old storage */
  constructor(
    readonly to: ObjectStorage,
    readonly from: ObjectStorage,
  ) {}

  put(objectKey: string, bytes: Uint8Array): Promise<void> {
    return this.to.put(objectKey, bytes);
  }

  /** Prefers a copy of the expected size, in either storage. */
  async read(objectKey: string, sizeBytes: number | null = null): Promise<Buffer | null> {
    const moved = await this.to.read(objectKey);
    if (moved && isWhole(moved.length, sizeBytes)) return moved;
    const before = await this.from.read(objectKey, sizeBytes);
    if (!before && moved) assertSize(objectKey, moved.length, sizeBytes);
    return before;
  }

  async lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null> {
    const bytes = await this.read(objectKey, sizeBytes);
    return bytes && keepBytes(bytes);
  }

  async stat(objectKey: string, sizeBytes: number | null = null): Promise<{ sizeBytes: number } | null> {
    const moved = await this.to.stat(objectKey);
    if (moved && isWhole(moved.sizeBytes, sizeBytes)) return moved;
    return (await this.from.stat(objectKey)) ?? moved;
  }

  async sign(
    objectKey: string,
    headers: SignedHeaders,
    sizeBytes: number | null = null,
  ): Promise<string | null> {
    const moved = await this.to.stat(objectKey);
    const isMoved = moved !== null && isWhole(moved.sizeBytes, sizeBytes);
    return (isMoved ? this.to : this.from).sign(objectKey, headers);
  }

  async findOrigins(): Promise<string[]> {
    const [to, from] = [await this.to.findOrigins(), await this.from.findOrigins()];
    return [...new Set([...to, ...from])];
  }

  /**
   * Deletes from the old storage first. If the call is interrupted in between, a read cannot find the old copy and bring
   * the picture back.
   */
  async delete(objectKey: string): Promise<void> {
    await this.from.delete(objectKey);
    await this.to.delete(objectKey);
  }

  async *list(): AsyncGenerator<ListedObject> {
    yield* this.to.list();
    for await (const object of this.from.list()) {
      if ((await this.to.stat(object.objectKey)) === null) yield object;
    }
  }

  check(): Promise<void> {
    return this.to.check();
  }
}
