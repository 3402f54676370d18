// Finds out whether objects can be written now, by writing one. Used by `local-storage.ts` and `bucket-storage.ts`.
import { randomBytes } from "node:crypto";

import type { ObjectStorage } from "./object-storage.ts";

export class WriteProbe {
  #writing: Promise<void> | null = null;
  /** In containers every process may have the number 1. The same each time, so that a failed probe is removed by the next. */
  readonly #objectKey = `probe-${randomBytes(8).toString("hex")}`;

  constructor(readonly storage: Pick<ObjectStorage, "put" | "delete">) {}

  /** However many ask at once, one object is written. @throws STORAGE_UNAVAILABLE */
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
