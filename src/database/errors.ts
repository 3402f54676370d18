// Translates temporary errors of the database driver into DATABASE_UNAVAILABLE.
import { mongo, MongooseError } from "mongoose";

import { AppError } from "../errors.ts";

const DUPLICATE_KEY = 11000;

/**
 * Codes of temporary server errors: no primary, too few servers that confirm a write, shutdown, timeout, disk full.
 * Source: the retryable codes of MongoDB's specification, and in addition 50 (MaxTimeMSExpired), 64 and 100 (write
 * concerns) and 14031 (OutOfDiskSpace).
 */
const temporaryCodes = new Set([
  6, 7, 50, 64, 89, 91, 100, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031,
]);

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

/**
 * Runs a database operation.
 *
 * @throws DATABASE_UNAVAILABLE when the database cannot be reached or cannot answer now
 */
export async function querying<Result>(operation: () => PromiseLike<Result>): Promise<Result> {
  try {
    return await operation();
  } catch (cause) {
    if (!isTemporary(cause)) throw cause;
    throw new AppError("DATABASE_UNAVAILABLE", "The database cannot be reached right now.", { cause });
  }
}

/** True for an error of the socket: the driver passes it on if the connection breaks during a write. */
function isBrokenConnection({ syscall, code = "" }: NodeJS.ErrnoException): boolean {
  return syscall !== undefined || /^(EPIPE|ECONNRESET|ERR_STREAM_\w+)$/.test(String(code));
}

function isTemporary(error: unknown): boolean {
  if (isBrokenConnection(error as NodeJS.ErrnoException)) return true;
  // If no single write caused the error, the driver wraps it in a MongoBulkWriteError without a code.
  const { errorResponse } = error as { errorResponse?: unknown };
  if (error instanceof mongo.MongoBulkWriteError && errorResponse instanceof mongo.MongoError) {
    return isTemporary(errorResponse);
  }
  if (error instanceof mongo.MongoServerError) return temporaryCodes.has(Number(error.code));
  // Errors that the driver reports without an answer from a server: network, pool, selection, closed connections.
  if (error instanceof mongo.MongoError) return !(error instanceof mongo.MongoInvalidArgumentError);
  return (
    error instanceof MongooseError &&
    /initial connection|Server selection|buffering timed out/i.test(error.message)
  );
}
