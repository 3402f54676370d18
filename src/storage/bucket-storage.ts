// Objects in a bucket, of Amazon S3, of what speaks its protocol, or of Google Cloud Storage. Made by
// `create-storage.ts` with a bucket of `s3-bucket.ts` or `gcs-bucket.ts`; called by the services through
// `object-storage.ts`.
import type { DriverContract } from "flydrive/types";

import { AppError } from "../errors.ts";
import {
  assertObjectKey,
  assertSize,
  isObjectKey,
  keepBytes,
  type LentBytes,
  type ListedObject,
  type ObjectStorage,
  type SignedHeaders,
  SIGNED_SECONDS,
} from "./object-storage.ts";
import { WriteProbe } from "./write-probe.ts";

/**
 * What is used here of a bucket. The SDKs behind it try again themselves, and give up before we do. That an object is
 * not there is believed in the store's own words alone: whatever stands before a store may answer 404 while that is away.
 */
export interface Bucket {
  driver: Pick<DriverContract, "put" | "getSignedUrl">;
  /** The whole object. @param signal that nobody waits for it any more: its connection is wanted by others */
  get(key: string, signal: AbortSignal): Promise<Buffer | null>;
  getSizeBytes(key: string, signal: AbortSignal): Promise<number | null>;
  /** One that is not there is no error. */
  delete(key: string, signal: AbortSignal): Promise<void>;
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

  async read(objectKey: string, sizeBytes: number | null = null): Promise<Buffer | null> {
    if (!isObjectKey(objectKey)) return null;
    const bytes = await this.#call((bucket, signal) => bucket.get(this.prefix + objectKey, signal));
    if (bytes) assertSize(objectKey, bytes.length, sizeBytes);
    return bytes;
  }

  async lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null> {
    const bytes = await this.read(objectKey, sizeBytes);
    return bytes && keepBytes(bytes);
  }

  async stat(objectKey: string): Promise<{ sizeBytes: number } | null> {
    if (!isObjectKey(objectKey)) return null;
    const sizeBytes = await this.#call((bucket, signal) =>
      bucket.getSizeBytes(this.prefix + objectKey, signal),
    );
    return sizeBytes === null ? null : { sizeBytes };
  }

  /** Without asking the bucket whether it is there. */
  async sign(objectKey: string, headers: SignedHeaders): Promise<string | null> {
    if (!isObjectKey(objectKey)) return null;
    const options = { expiresIn: SIGNED_SECONDS, ...headers };
    return this.#call(({ driver }) => driver.getSignedUrl(this.prefix + objectKey, options));
  }

  async findOrigins(): Promise<string[]> {
    const url = await this.sign("any", { contentType: "image/png", contentDisposition: "inline" });
    return url === null ? [] : [new URL(url).origin];
  }

  async delete(objectKey: string): Promise<void> {
    if (!isObjectKey(objectKey)) return;
    await this.#call((bucket, signal) => bucket.delete(this.prefix + objectKey, signal));
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
  async #call<Result>(work: (bucket: Bucket, signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const calling = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error("the call took too long")), this.callTimeoutMs);
    });
    try {
      return await Promise.race([work(this.bucket, calling.signal), deadline]);
    } catch (cause) {
      calling.abort();
      throw new AppError("STORAGE_UNAVAILABLE", "Pictures cannot be stored or read right now.", { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
