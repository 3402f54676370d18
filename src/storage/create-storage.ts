// Makes the storage that the configuration names. Called by `parts.ts` and the programs of `cli/`.
import type { StorageConfig } from "../config.ts";
import { BucketStorage } from "./bucket-storage.ts";
import { LocalStorage } from "./local-storage.ts";
import type { ObjectStorage } from "./object-storage.ts";

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
