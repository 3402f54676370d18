// Classifies and translates SQLite's errors. Source: https://sqlite.org/rescode.html.
import { MongoError } from "./errors.ts";

const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** True when another process has locked the file. */
export function isLocked(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

function sqliteCode(error: unknown): number | undefined {
  const { sqliteCode: code } = error as { sqliteCode?: number };
  return code === undefined ? undefined : code & 0xff; // The lowest byte is the primary result code.
}

/** True for an error of SQLite. Its message says what is wrong with the file. */
export function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && sqliteCode(error) !== undefined;
}

export function isDiskFailure(error: unknown): boolean {
  if (error instanceof MongoError && error.codeName === "OutOfDiskSpace") return true; // Translated before.
  const code = sqliteCode(error);
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

/** Translates the errors of a full or failing disk to OutOfDiskSpace. Returns any other error unchanged. */
export function toMongoError(error: unknown): unknown {
  if (!isDiskFailure(error)) return error;
  return new MongoError("OutOfDiskSpace", "The disk is full or failing", {}, { cause: error });
}
