// Google Cloud Storage. Loaded by `create-storage.ts` when it is configured, and else not at all.
import { IdempotencyStrategy, Storage } from "@google-cloud/storage";
import { GCSDriver } from "flydrive/drivers/gcs";

import type { BucketConfig } from "../config.ts";
import type { Bucket } from "./bucket-storage.ts";

const MAX_RETRIES = 2;
const REQUEST_TIMEOUT_MS = 5_000;
const TOTAL_TIMEOUT_SECONDS = 15;

/** Credentials are looked for where Google's SDK does: a file that a variable names, the machine's own account. */
export function createGcsBucket({ bucket, endpoint }: BucketConfig): Bucket {
  const storage = new Storage({
    ...(endpoint !== null && { apiEndpoint: endpoint }),
    timeout: REQUEST_TIMEOUT_MS,
    retryOptions: {
      autoRetry: true,
      maxRetries: MAX_RETRIES,
      totalTimeout: TOTAL_TIMEOUT_SECONDS,
      // A key is written with the same bytes or not at all, so that doing it again does no harm.
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    },
  });
  // Access is the bucket's own affair (uniform bucket-level access): no object has an ACL.
  const driver = new GCSDriver({ storage, bucket, visibility: "private", usingUniformAcl: true });
  return {
    driver,
    async listPage(prefix, token) {
      const [files, next] = await storage.bucket(bucket).getFiles({
        prefix,
        autoPaginate: false,
        ...(token !== undefined && { pageToken: token }),
      });
      const objects = files.map(({ name, metadata: { size, updated } }) => ({
        objectKey: name,
        sizeBytes: Number(size),
        modifiedAt: new Date(updated!),
      }));
      return { objects, next: (next as { pageToken?: string } | null)?.pageToken };
    },
  };
}
