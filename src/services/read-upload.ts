// Reads an uploaded file from a stream into memory, and stops at the size limit.
import { addAbortSignal, type Readable } from "node:stream";

import type { BudgetShare } from "../runtime/byte-budget.ts";
import type { Look } from "../domain/look.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";

/** The error for a file that exceeds the limit, with the same text in REST and GraphQL. */
export function fileTooLarge(cause?: unknown): AppError {
  const { maxFileBytes } = pictureLimits;
  return new AppError(
    "FILE_TOO_LARGE",
    `The file is larger than ${maxFileBytes / 1024} KB (${maxFileBytes} bytes).`,
    {
      limit: maxFileBytes,
      cause,
    },
  );
}

/**
 * Reads the stream to its end.
 *
 * @throws FILE_TOO_LARGE as soon as the limit is exceeded, BAD_USER_INPUT when the file is empty
 * @throws OVERLOADED when the budget is short and this file arrives too slowly
 */
export async function readUpload(
  stream: Readable,
  { take, signal }: Pick<BudgetShare, "take" | "signal">,
): Promise<Buffer> {
  addAbortSignal(signal, stream);
  let file: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > pictureLimits.maxFileBytes) throw fileTooLarge(); // The loop then destroys the stream.
    take(chunk.length);
    if (bytes + chunk.length > file.length) file = enlarge(file, bytes + chunk.length);
    bytes += chunk.copy(file, bytes);
  }
  if (bytes === 0) throw new AppError("BAD_USER_INPUT", "The file is empty.");
  return file.subarray(0, bytes);
}

const MIN_FILE_BUFFER_BYTES = 64 * 1024;

/** Enlarges the one buffer of the file. As chunks, a file sent byte by byte would take a hundred times its size. */
function enlarge(file: Buffer, neededBytes: number): Buffer {
  const sizeBytes = Math.max(neededBytes, file.length * 2, MIN_FILE_BUFFER_BYTES);
  const enlarged = Buffer.allocUnsafe(Math.min(sizeBytes, pictureLimits.maxFileBytes));
  file.copy(enlarged);
  return enlarged;
}

/** A file in memory, with the filename that the client sent, and the crop and filter for its picture. */
export interface ReadUpload {
  bytes: Buffer;
  declaredFilename: string | undefined;
  look: Look;
}

/**
 * Translates an error of the form, its stream or the connection to BAD_USER_INPUT. Returns an `AppError` unchanged. For
 * a stream that the byte budget aborted, returns the `AppError` of the abort: OVERLOADED.
 */
export function translateUploadError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const abortedFor = (cause as Error).cause; // Set when the byte budget aborted the stream.
  if (abortedFor instanceof AppError) return abortedFor;
  return new AppError("BAD_USER_INPUT", "The form is malformed, or the upload was interrupted.", {
    cause,
  });
}
