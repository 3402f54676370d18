// Translates what the database's driver throws, at the edge where it does. Called by the repositories.
import { mongo, MongooseError } from "mongoose";

import { AppError } from "../errors.ts";

const DUPLICATE_KEY = 11000;

/**
 * Server errors that pass: no primary at the moment, too few others that confirm, shutting down, out of time, out of
 * disk space. Source: the retryable codes of MongoDB's specification, 64 and 100 of write concerns, and 14031,
 * OutOfDiskSpace.
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

/** A connection that broke while the driver was writing to it: the socket's own error comes through. */
function isBrokenConnection({ syscall, code = "" }: NodeJS.ErrnoException): boolean {
  return syscall !== undefined || /^(EPIPE|ECONNRESET|ERR_STREAM_\w+)$/.test(String(code));
}

function isTemporary(error: unknown): boolean {
  if (isBrokenConnection(error as NodeJS.ErrnoException)) return true;
  // Around an error that has nothing to do with what was written, there is a server error without a code.
  const { errorResponse } = error as { errorResponse?: unknown };
  if (error instanceof mongo.MongoBulkWriteError && errorResponse instanceof mongo.MongoError) {
    return isTemporary(errorResponse);
  }
  if (error instanceof mongo.MongoServerError) return temporaryCodes.has(Number(error.code));
  // What the driver reports without an answer from a server: network, pool, selection and closed connections.
  if (error instanceof mongo.MongoError) return !(error instanceof mongo.MongoInvalidArgumentError);
  return (
    error instanceof MongooseError &&
    /initial connection|Server selection|buffering timed out/i.test(error.message)
  );
}
