// Checks whether objects can be written now, by writing one.
import { randomBytes } from "node:crypto";

import type { ObjectStorage } from "./object-storage.ts";

export class WriteProbe {
  #writing: Promise<void> | null = null;
  /**
   * Contains a random number and not the process id, which may be 1 in every container. The key stays the same, so
   * that the next probe removes the object of a failed one.
   */
  readonly #objectKey = `probe-${randomBytes(8).toString("hex")}`;

  constructor(readonly storage: Pick<ObjectStorage, "put" | "delete">) {}

  /** Single flight: concurrent calls share one write. @throws STORAGE_UNAVAILABLE */
  check(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    await this.storage.put(this.#objectKey, Buffer.from("probe"));
    await this.storage.delete(this.#objectKey);
  }
}
