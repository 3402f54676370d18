// Reads an incoming file into memory, up to the limit and not a byte further. Called by
// both doors, each with its own kind of stream, when the service asks for the file.
import { addAbortSignal, type Readable } from "node:stream";

import type { BudgetShare } from "../runtime/byte-budget.ts";
import type { Look } from "../domain/look.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";

/** The one wording for both doors and for every place where a file can turn out too large. */
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
 * @throws FILE_TOO_LARGE as soon as the limit is passed, BAD_USER_INPUT when there is nothing
 * @throws OVERLOADED when the budget is short and this file comes too slowly
 */
export async function readUpload(
  stream: Readable,
  { take, signal }: Pick<BudgetShare, "take" | "signal">,
): Promise<Buffer> {
  addAbortSignal(signal, stream);
  let file: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > pictureLimits.maxFileBytes) throw fileTooLarge(); // Leaving the loop destroys the stream.
    take(chunk.length);
    if (bytes + chunk.length > file.length) file = enlarge(file, bytes + chunk.length);
    bytes += chunk.copy(file, bytes);
  }
  if (bytes === 0) throw new AppError("BAD_USER_INPUT", "The file is empty.");
  return file.subarray(0, bytes);
}

const MIN_FILE_BUFFER_BYTES = 64 * 1024;

/** One buffer for the whole file: chunks that a client sends byte by byte would take a hundred times their size. */
function enlarge(file: Buffer, neededBytes: number): Buffer {
  const sizeBytes = Math.max(neededBytes, file.length * 2, MIN_FILE_BUFFER_BYTES);
  const enlarged = Buffer.allocUnsafe(Math.min(sizeBytes, pictureLimits.maxFileBytes));
  file.copy(enlarged);
  return enlarged;
}

/** A file that was read, with the name that its sender gave it, and how the picture in it is to be shown. */
export interface ReadUpload {
  bytes: Buffer;
  declaredFilename: string | undefined;
  look: Look;
}

/**
 * What a broken form or connection is to the caller: BAD_USER_INPUT. A failed system call is no fault of the
 * caller's, but of the disk on which uploads wait: STORAGE_UNAVAILABLE.
 */
export function translateUploadError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const abortedFor = (cause as Error).cause; // Why the budget has given the file up.
  if (abortedFor instanceof AppError) return abortedFor;
  if ((cause as NodeJS.ErrnoException).syscall !== undefined) {
    return new AppError("STORAGE_UNAVAILABLE", "Uploads cannot be received right now.", { cause });
  }
  return new AppError("BAD_USER_INPUT", "The form is malformed, or the file was cut off on its way.", {
    cause,
  });
}
