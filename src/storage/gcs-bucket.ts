// Google Cloud Storage. `create-storage.ts` loads this file, and the SDK with it, only when it is configured.
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";

import { ApiError, type File, IdempotencyStrategy, Storage } from "@google-cloud/storage";

import type { BucketConfig } from "../config/config.ts";
import type { Bucket } from "./bucket-storage.ts";

const MAX_RETRIES = 2;
const REQUEST_TIMEOUT_MS = 5_000;
const TOTAL_TIMEOUT_SECONDS = 15;

/**
 * Google's SDK finds the credentials itself: in the file that GOOGLE_APPLICATION_CREDENTIALS names, or through the
 * service account of the machine.
 */
export function createGcsBucket({ bucket, endpoint }: BucketConfig): Bucket {
  const storage = new Storage({
    ...(endpoint !== null && { apiEndpoint: endpoint }),
    timeout: REQUEST_TIMEOUT_MS,
    retryOptions: {
      autoRetry: true,
      maxRetries: MAX_RETRIES,
      totalTimeout: TOTAL_TIMEOUT_SECONDS,
      // A key is always written with the same bytes, so retries do no harm.
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    },
  });
  const getSizeBytes = async (key: string) => {
    const metadata = await nullIfMissing(storage.bucket(bucket).file(key).getMetadata());
    assertOfStore(metadata === null || metadata[0].kind === "storage#object");
    return metadata && Number(metadata[0].size);
  };
  return {
    // The bucket controls access (uniform bucket-level access): objects have no ACLs.
    async put(key, bytes) {
      await storage.bucket(bucket).file(key).save(Buffer.from(bytes), { resumable: false });
    },
    async sign(key, { contentType, contentDisposition }, seconds) {
      const [url] = await storage
        .bucket(bucket)
        .file(key)
        .getSignedUrl({
          action: "read",
          expires: Date.now() + seconds * 1000,
          responseType: contentType,
          responseDisposition: contentDisposition,
        });
      return url;
    },
    getSizeBytes,
    // Ignores the signal: to abort one download, the library would close all connections and end all other downloads.
    // A download that goes on delays no other, because the number of connections is not limited.
    async get(key) {
      try {
        return await download(storage.bucket(bucket).file(key));
      } catch (error) {
        const isMissing = isNotFound(error) && (await getSizeBytes(key)) === null;
        if (isMissing) return null; // The 404 of a download does not say whether the object is missing.
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

/** Downloads an object. @throws Error, after reading to the end, when the response lacks the store's checksum header */
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

/** @throws Error when a response is not from the store: a proxy in front of a store that is down may answer 200 */
function assertOfStore(isOfStore: boolean): void {
  if (!isOfStore) throw new Error("response is not from the object store");
}

function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 404;
}

async function nullIfMissing<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    const isSaidByStore = isNotFound(error) && error.errors?.some(({ reason }) => reason === "notFound");
    if (isSaidByStore && !/bucket does not exist/i.test(error.message)) return null;
    throw error;
  }
}
