// Amazon S3, or what speaks its protocol. Loaded by `create-storage.ts` when it is configured, and else not at all.
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { S3Driver } from "flydrive/drivers/s3";

import type { BucketConfig } from "../config.ts";
import type { Bucket } from "./bucket-storage.ts";

/** Of S3 servers that have no regions, whatever is signed is right. */
const ANY_REGION = "us-east-1";

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Credentials are looked for where Amazon's SDK does: variables, files, the machine's own role. */
export function createS3Bucket({ bucket, region, endpoint }: BucketConfig): Bucket {
  const client = new S3Client({
    ...(endpoint !== null && { endpoint, forcePathStyle: true, region: ANY_REGION }),
    ...(region !== null && { region }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
  return {
    // The bucket's own policy says who sees what: nothing is sent that could open an object to everybody.
    driver: new S3Driver({ client, bucket, visibility: "private", supportsACL: false }),
    // Not the driver's: it loses the sizes.
    async listPage(Prefix, ContinuationToken) {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, ContinuationToken }));
      const objects = (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
        objectKey: Key!,
        sizeBytes: Size!,
        modifiedAt: LastModified!,
      }));
      return { objects, next: page.NextContinuationToken };
    },
  };
}
