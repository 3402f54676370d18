// What SQLite's errors mean. Used by `store.ts`. Source: https://sqlite.org/rescode.html.
import { MongoError } from "./errors.ts";

const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** Another process holds the file. */
export function isLocked(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

function sqliteCode(error: unknown): number | undefined {
  const { sqliteCode: code } = error as { sqliteCode?: number };
  return code === undefined ? undefined : code & 0xff; // Without what SQLite adds to be more precise.
}

/** What SQLite says of a file that it cannot use, in its own words. */
export function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && sqliteCode(error) !== undefined;
}

export function isDiskFailure(error: unknown): boolean {
  if (error instanceof MongoError && error.codeName === "OutOfDiskSpace") return true; // Translated already.
  const code = sqliteCode(error);
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

/** Of a disk that is full or fails: OutOfDiskSpace. All others as they are. */
export function toMongoError(error: unknown): unknown {
  if (!isDiskFailure(error)) return error;
  return new MongoError("OutOfDiskSpace", "The disk is full or fails", {}, { cause: error });
}
