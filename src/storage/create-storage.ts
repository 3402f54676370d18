// Creates the storage that the configuration names.
import { stat } from "node:fs/promises";

import type { Config, StorageConfig } from "../config/config.ts";
import { BucketStorage } from "./bucket-storage.ts";
import { LocalStorage } from "./local-storage.ts";
import { MovingStorage } from "./moving-storage.ts";
import type { ObjectStorage } from "./object-storage.ts";

/** Creates the storage, combined with the fallback storage if objects are moving from there. */
export async function createStorageWithFallback({
  storage,
  storageFallback,
}: Pick<Config, "storage" | "storageFallback">): Promise<ObjectStorage> {
  const to = await createStorage(storage);
  return storageFallback ? new MovingStorage(to, await createStorage(storageFallback)) : to;
}

/** Loads only the SDK that the storage needs. @throws Error with a one-line message when it cannot be created */
export async function createStorage(config: StorageConfig): Promise<ObjectStorage> {
  switch (config.kind) {
    case "local":
      await assertFolder(config.rootDir);
      return new LocalStorage(config.rootDir);
    case "s3": {
      const { createS3Bucket } = await import("./s3-bucket.ts");
      return new BucketStorage(await createS3Bucket(config), config.prefix);
    }
    case "gcs": {
      const { createGcsBucket } = await import("./gcs-bucket.ts");
      return new BucketStorage(createGcsBucket(config), config.prefix);
    }
  }
}

/** Accepts a missing folder, because the first `put` creates it. */
async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  const isWrong = found instanceof Error ? found.code === "ENOTDIR" : !found.isDirectory();
  if (isWrong) throw new Error(`${folder} is not a folder, and a folder cannot be created there`);
}
