// The contract of all storages for the bytes of pictures. Services depend on it instead of an implementation.
import { AppError } from "../errors.ts";

export interface ListedObject {
  objectKey: string;
  sizeBytes: number;
  modifiedAt: Date;
}

/** Bytes that are valid until `giveBack` is called. */
export interface LentBytes {
  bytes: Buffer;
  /**
   * Ends the use of the bytes, so that a later read may overwrite them. If the bytes may still be in use, as after a
   * failure, `isDone` is false and they are never overwritten.
   */
  giveBack(isDone: boolean): void;
}

/** Wraps bytes that are never overwritten. */
export function keepBytes(bytes: Buffer): LentBytes {
  return { bytes, giveBack() {} };
}

/** Response headers of an object that a client fetches from the storage itself. */
export interface SignedHeaders {
  contentType: string;
  contentDisposition: string;
}

/** How long a signed URL is valid: a slow client can begin to read, and a deleted picture soon becomes unavailable. */
export const SIGNED_SECONDS = 60;

/** Excludes separators and a dot at the start, so that a key cannot lead out of a folder or into another one. */
const keyPattern = /^[a-z0-9][a-z0-9_.-]*$/i;

/** True for a valid object key. A damaged record may contain another name, under which no object exists. */
export function isObjectKey(name: string): boolean {
  return keyPattern.test(name);
}

/** @throws Error when `name` is not a valid object key */
export function assertObjectKey(name: string): void {
  if (!isObjectKey(name)) throw new Error(`not an object key: ${JSON.stringify(name)}`);
}

/** An object with a wrong size: it is damaged, or another server answered for the storage. */
export class DamagedObjectError extends AppError {
  constructor(objectKey: string, sizeBytes: number, expectedBytes: number) {
    const cause = new Error(`${objectKey} has ${sizeBytes} bytes instead of ${expectedBytes}`);
    super("STORAGE_UNAVAILABLE", "The picture cannot be read right now.", { cause });
  }
}

/** @param expectedBytes null when the size is not known, so that any size is right */
export function isWhole(sizeBytes: number, expectedBytes: number | null): boolean {
  return expectedBytes === null || sizeBytes === expectedBytes;
}

/** @throws DamagedObjectError */
export function assertSize(objectKey: string, sizeBytes: number, expectedBytes: number | null): void {
  if (expectedBytes !== null && !isWhole(sizeBytes, expectedBytes))
    throw new DamagedObjectError(objectKey, sizeBytes, expectedBytes);
}

/**
 * Objects by key. The service generates random keys (`domain/media.ts`) and never takes a key from a user.
 *
 * Every method throws STORAGE_UNAVAILABLE when the storage cannot answer.
 */
export interface ObjectStorage {
  /** Stores an object. When it resolves, the object is complete and survives a power cut. */
  put(objectKey: string, bytes: Uint8Array): Promise<void>;
  /**
   * Returns the whole object, or null when it does not exist.
   *
   * @param sizeBytes the expected size, if it is known
   * @throws DamagedObjectError when the object has another size
   */
  read(objectKey: string, sizeBytes?: number | null): Promise<Buffer | null>;
  /** Same as `read`, for bytes that the caller sends and does not keep. */
  lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null>;
  /**
   * Returns the object's size, or null when the object does not exist.
   *
   * @param sizeBytes the expected size, if it is known. A copy of this size is preferred if there are two copies.
   */
  stat(objectKey: string, sizeBytes?: number | null): Promise<{ sizeBytes: number } | null>;
  /**
   * Returns a URL at which any client can fetch the object for `SIGNED_SECONDS`; null if the storage has no such URLs.
   *
   * @param sizeBytes as for `stat`
   */
  sign(objectKey: string, headers: SignedHeaders, sizeBytes?: number | null): Promise<string | null>;
  /** Returns the origins of signed URLs. @throws Error when the service is not permitted to sign */
  findOrigins(): Promise<string[]>;
  /** Removes an object. A missing object is not an error. */
  delete(objectKey: string): Promise<void>;
  /** Yields all objects in no particular order, including the unfinished objects that a crash has left. */
  list(): AsyncIterable<ListedObject>;
  /** Throws unless objects can be written now. */
  check(): Promise<void>;
}
