// Makes the storage that the configuration names. Called by `app.ts` and the programs of `cli/`.
import type { StorageConfig } from "../config.ts";
import { LocalStorage } from "./local-storage.ts";
import type { ObjectStorage } from "./object-storage.ts";

export function createStorage({ rootDir }: StorageConfig): ObjectStorage {
  return new LocalStorage(rootDir);
}
