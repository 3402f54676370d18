// Google Cloud Storage. Loaded by `create-storage.ts` when it is configured, and else not at all.
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";

import { ApiError, type File, IdempotencyStrategy, Storage } from "@google-cloud/storage";
import { GCSDriver } from "flydrive/drivers/gcs";

import type { BucketConfig } from "../config/config.ts";
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
  const getSizeBytes = async (key: string) => {
    const metadata = await nullIfMissing(storage.bucket(bucket).file(key).getMetadata());
    assertOfStore(metadata === null || metadata[0].kind === "storage#object");
    return metadata && Number(metadata[0].size);
  };
  return {
    driver,
    getSizeBytes,
    // Ended before it is done, one would end all others: its library then closes every connection. It may have any number.
    async get(key) {
      try {
        return await download(storage.bucket(bucket).file(key));
      } catch (error) {
        const isMissing = isNotFound(error) && (await getSizeBytes(key)) === null;
        if (isMissing) return null; // The first answer does not say what is not found.
        throw error;
      }
    },
    async delete(key) {
      const answer = await nullIfMissing(storage.bucket(bucket).file(key).delete());
      assertOfStore(answer === null || isEmptyOrJson(answer[0]));
    },
    async listPage(prefix, token) {
      const [files, next, answer] = await storage.bucket(bucket).getFiles({
        prefix,
        autoPaginate: false,
        ...(token !== undefined && { pageToken: token }),
      });
      assertOfStore((answer as { kind?: string }).kind === "storage#objects");
      const objects = files.map(({ name, metadata: { size, updated } }) => ({
        objectKey: name,
        sizeBytes: Number(size),
        modifiedAt: new Date(updated!),
      }));
      return { objects, next: (next as { pageToken?: string } | null)?.pageToken };
    },
  };
}

/** Checksums come with what the store sends. What somebody else sends is read to its end as well, and then refused. */
async function download(file: File): Promise<Buffer> {
  const stream = file.createReadStream();
  let isOfStore = false;
  stream.once("response", ({ headers }: IncomingMessage) => (isOfStore = Boolean(headers["x-goog-hash"])));
  const bytes = await buffer(stream);
  assertOfStore(isOfStore);
  return bytes;
}

function isEmptyOrJson({ statusCode, headers }: Pick<IncomingMessage, "statusCode" | "headers">): boolean {
  return statusCode === 204 || /json/.test(headers["content-type"] ?? "");
}

/** Whatever stands before the store may answer 200 in its place. */
function assertOfStore(isOfStore: boolean): void {
  if (!isOfStore) throw new Error("what answered is no object store");
}

function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 404;
}

async function nullIfMissing<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    const isOurs = isNotFound(error) && error.errors?.some(({ reason }) => reason === "notFound");
    if (isOurs && !/bucket does not exist/i.test(error.message)) return null;
    throw error;
  }
}
