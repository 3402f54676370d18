// Finds out whether objects can be written now, by writing one. Used by `local-storage.ts` and `bucket-storage.ts`.
import type { ObjectStorage } from "./object-storage.ts";

export class WriteProbe {
  #writing: Promise<void> | null = null;

  constructor(readonly storage: Pick<ObjectStorage, "put" | "delete">) {}

  /** However many ask at once, one object is written. @throws STORAGE_UNAVAILABLE */
  check(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const objectKey = `probe-${process.pid}`;
    await this.storage.put(objectKey, Buffer.from("probe"));
    await this.storage.delete(objectKey);
  }
}
