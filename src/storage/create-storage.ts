// Makes the storage that the configuration names. Called by `parts.ts` and the programs of `cli/`.
import type { Config, StorageConfig } from "../config.ts";
import { BucketStorage } from "./bucket-storage.ts";
import { LocalStorage } from "./local-storage.ts";
import { MovingStorage } from "./moving-storage.ts";
import type { ObjectStorage } from "./object-storage.ts";

/** Where objects may still be in another storage, from which they are moving, it is asked as well. */
export async function createStorages({
  storage,
  storageFallback,
}: Pick<Config, "storage" | "storageFallback">): Promise<ObjectStorage> {
  const to = await createStorage(storage);
  return storageFallback ? new MovingStorage(to, await createStorage(storageFallback)) : to;
}

/** Loads the SDK that it needs, and no other. */
export async function createStorage(config: StorageConfig): Promise<ObjectStorage> {
  switch (config.kind) {
    case "local":
      return new LocalStorage(config.rootDir);
    case "s3": {
      const { createS3Bucket } = await import("./s3-bucket.ts");
      return new BucketStorage(createS3Bucket(config), config.prefix);
    }
    case "gcs": {
      const { createGcsBucket } = await import("./gcs-bucket.ts");
      return new BucketStorage(createGcsBucket(config), config.prefix);
    }
  }
}
