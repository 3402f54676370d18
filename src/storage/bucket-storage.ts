// Objects in a bucket, of Amazon S3, of what speaks its protocol, or of Google Cloud Storage. Made by
// `create-storage.ts` with a bucket of `s3-bucket.ts` or `gcs-bucket.ts`; called by the services through
// `object-storage.ts`.
import type { DriverContract } from "flydrive/types";

import { AppError } from "../errors.ts";
import {
  assertObjectKey,
  isObjectKey,
  keepBytes,
  type LentBytes,
  type ListedObject,
  type ObjectStorage,
  type SignedHeaders,
  SIGNED_SECONDS,
} from "./object-storage.ts";
import { WriteProbe } from "./write-probe.ts";

/** What is used here of a bucket. The SDKs behind it try again themselves, and give up before we do. */
export interface Bucket {
  driver: Pick<DriverContract, "put" | "getBytes" | "getMetaData" | "getSignedUrl" | "delete">;
  /** Some of the objects whose keys begin so, and what to ask for the next ones with. */
  listPage(prefix: string, token: string | undefined): Promise<ListPage>;
}

export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** For one call with all its attempts; nobody waits longer. */
const CALL_TIMEOUT_MS = 20_000;

export class BucketStorage implements ObjectStorage {
  readonly #probe = new WriteProbe(this);

  /** @param prefix of all keys in the bucket: "", or with a slash at its end */
  constructor(
    readonly bucket: Bucket,
    readonly prefix: string,
    readonly callTimeoutMs = CALL_TIMEOUT_MS,
  ) {}

  /** A bucket shows an object once it is complete, and has it in several places by then. */
  async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    assertObjectKey(objectKey);
    await this.#call(({ driver }) => driver.put(this.prefix + objectKey, bytes));
  }

  async read(objectKey: string): Promise<Buffer | null> {
    if (!isObjectKey(objectKey)) return null;
    const bytes = await this.#call(({ driver }) => nullIfMissing(driver.getBytes(this.prefix + objectKey)));
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async lend(objectKey: string): Promise<LentBytes | null> {
    const bytes = await this.read(objectKey);
    return bytes && keepBytes(bytes);
  }

  async stat(objectKey: string): Promise<{ sizeBytes: number } | null> {
    if (!isObjectKey(objectKey)) return null;
    const found = await this.#call(({ driver }) =>
      nullIfMissing(driver.getMetaData(this.prefix + objectKey)),
    );
    return found && { sizeBytes: found.contentLength };
  }

  /** Without asking the bucket whether it is there. */
  async sign(objectKey: string, headers: SignedHeaders): Promise<string | null> {
    if (!isObjectKey(objectKey)) return null;
    const options = { expiresIn: SIGNED_SECONDS, ...headers };
    return this.#call(({ driver }) => driver.getSignedUrl(this.prefix + objectKey, options));
  }

  async delete(objectKey: string): Promise<void> {
    if (!isObjectKey(objectKey)) return;
    await this.#call(({ driver }) => nullIfMissing(driver.delete(this.prefix + objectKey)));
  }

  async *list(): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const { objects, next } = await this.#call((bucket) => bucket.listPage(this.prefix, token));
      for (const object of objects) {
        const objectKey = object.objectKey.slice(this.prefix.length);
        if (isObjectKey(objectKey)) yield { ...object, objectKey };
      }
      token = next;
    } while (token !== undefined);
  }

  check(): Promise<void> {
    return this.#probe.check();
  }

  /** @throws STORAGE_UNAVAILABLE whatever goes wrong, and in bounded time */
  async #call<Result>(work: (bucket: Bucket) => Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error("the call took too long")), this.callTimeoutMs);
    });
    try {
      return await Promise.race([work(this.bucket), deadline]);
    } catch (cause) {
      throw new AppError("STORAGE_UNAVAILABLE", "Pictures cannot be stored or read right now.", { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

interface StoreError {
  /** Amazon's. */
  name?: string;
  $metadata?: { httpStatusCode?: number };
  /** Google's. */
  code?: number | string;
  message?: string;
}

async function nullIfMissing<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    const { name, $metadata, code, message = "" } = error as StoreError;
    const isBucketMissing = name === "NoSuchBucket" || /bucket does not exist/i.test(message);
    if (!isBucketMissing && ($metadata?.httpStatusCode === 404 || code === 404)) return null;
    throw error;
  }
}
