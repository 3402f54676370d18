// Where the bytes of pictures live: the contract that services depend on. Its implementations stand beside it.
import { AppError } from "../errors.ts";

export interface ListedObject {
  objectKey: string;
  sizeBytes: number;
  modifiedAt: Date;
}

/** Bytes for one use. */
export interface LentBytes {
  bytes: Buffer;
  /**
   * Says that nobody looks at the bytes any more: others may come in their place. Where that is not sure, as after a
   * failure, `isDone` is false, and they stay what they are.
   */
  giveBack(isDone: boolean): void;
}

/** Nothing comes in the place of these. */
export function keepBytes(bytes: Buffer): LentBytes {
  return { bytes, giveBack() {} };
}

/** How an object is to be answered that is fetched from where it is. */
export interface SignedHeaders {
  contentType: string;
  contentDisposition: string;
}

/** Long enough for a slow client to begin, short enough for a deletion to be one. */
export const SIGNED_SECONDS = 60;

/** No separator, no dot at the start: a key cannot lead out of a folder, or into another one. */
const keyPattern = /^[a-z0-9][a-z0-9_.-]*$/i;

/** Under any other name, such as a damaged record might hold, there is no object. */
export function isObjectKey(name: string): boolean {
  return keyPattern.test(name);
}

/** @throws Error for what is none: nobody may store under it */
export function assertObjectKey(name: string): void {
  if (!isObjectKey(name)) throw new Error(`not an object key: ${JSON.stringify(name)}`);
}

/** What was stored has been damaged, or something else has answered. */
export class DamagedObjectError extends AppError {
  constructor(objectKey: string, sizeBytes: number, expectedBytes: number) {
    const cause = new Error(`${objectKey} has ${sizeBytes} bytes, and should have ${expectedBytes}`);
    super("STORAGE_UNAVAILABLE", "The picture cannot be read right now.", { cause });
  }
}

/** @param expectedBytes null where nobody knows: any size is right then */
export function isWhole(sizeBytes: number, expectedBytes: number | null): boolean {
  return expectedBytes === null || sizeBytes === expectedBytes;
}

/** @throws DamagedObjectError */
export function assertSize(objectKey: string, sizeBytes: number, expectedBytes: number | null): void {
  if (expectedBytes !== null && !isWhole(sizeBytes, expectedBytes))
    throw new DamagedObjectError(objectKey, sizeBytes, expectedBytes);
}

/**
 * Objects by key. A key is one of ours (`domain/media.ts`): random, and never taken from a user.
 *
 * Every verb throws STORAGE_UNAVAILABLE when the storage cannot answer.
 */
export interface ObjectStorage {
  /** Stores an object. When it resolves, the object is complete and survives a power cut. */
  put(objectKey: string, bytes: Uint8Array): Promise<void>;
  /**
   * The whole object, or null when there is none.
   *
   * @param sizeBytes what it should have, where that is known
   * @throws DamagedObjectError when it has not
   */
  read(objectKey: string, sizeBytes?: number | null): Promise<Buffer | null>;
  /** As `read`, for bytes that are sent and forgotten. */
  lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null>;
  /**
   * The object's size, or null when there is none.
   *
   * @param sizeBytes what it should have, where that is known: of two copies, one with this size is preferred
   */
  stat(objectKey: string, sizeBytes?: number | null): Promise<{ sizeBytes: number } | null>;
  /** An address from which anybody may fetch the object for a minute, or null where there can be none. As `stat`. */
  sign(objectKey: string, headers: SignedHeaders, sizeBytes?: number | null): Promise<string | null>;
  /** What the addresses begin with that it signs. @throws Error where it has no right to sign */
  findOrigins(): Promise<string[]>;
  /** Removes an object. One that is not there is no error. */
  delete(objectKey: string): Promise<void>;
  /** All objects, in no particular order, also what a crash has left of one. */
  list(): AsyncIterable<ListedObject>;
  /** Throws unless objects can be written now. */
  check(): Promise<void>;
}
