// Stores objects in a bucket of Amazon S3, of a server that speaks its protocol, or of Google Cloud Storage.
// `s3-bucket.ts` and `gcs-bucket.ts` implement `Bucket`.

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
 * The operations of a bucket that `BucketStorage` needs. The SDKs retry failed requests. A method reports an object as
 * missing only if the store itself says so: a proxy in front of a store that is down may answer 404.
 */
export interface Bucket {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** An address at which a GET returns the object with these headers, for `seconds` from now on. */
  sign(key: string, headers: SignedHeaders, seconds: number): Promise<string>;
  /** The whole object, or null. @param signal aborted when the caller no longer waits, to free the connection */
  get(key: string, signal: AbortSignal): Promise<Buffer | null>;
  getSizeBytes(key: string, signal: AbortSignal): Promise<number | null>;
  /** Removes an object. A missing object is not an error. */
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Returns some of the objects whose keys begin with `prefix`, and the token for the next page. */
  listPage(prefix: string, token: string | undefined): Promise<ListPage>;
}

export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** Time limit of one call with all the SDK's attempts. */
const CALL_TIMEOUT_MS = 20_000;

export class BucketStorage implements ObjectStorage {
  readonly #probe = new WriteProbe(this);

  /** @param prefix of all keys in the bucket: empty, or with a slash at its end */
  constructor(
    readonly bucket: Bucket,
    readonly prefix: string,
    readonly callTimeoutMs = CALL_TIMEOUT_MS,
  ) {}

  /** Stores an object. A bucket shows an object only when it is complete and stored in several places. */
  async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    assertObjectKey(objectKey);
    await this.#call((bucket) => bucket.put(this.prefix + objectKey, bytes));
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

  /** Signs an address without asking the bucket whether the object exists. */
  async sign(objectKey: string, headers: SignedHeaders): Promise<string | null> {
    if (!isObjectKey(objectKey)) return null;
    return this.#call((bucket) => bucket.sign(this.prefix + objectKey, headers, SIGNED_SECONDS));
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

  /** Runs a call within the time limit. @throws STORAGE_UNAVAILABLE for every error */
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
