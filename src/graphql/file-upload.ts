// A file of a multipart request as the upload library hands it over, and the library's errors in our words.
// Called by `profile-picture.resolver.ts` and `multipart.ts`.
import type { FileUpload } from "graphql-upload-ts";

import { AppError } from "../errors.ts";
import { fileTooLarge, readUpload } from "../services/read-upload.ts";

/** @throws FILE_TOO_LARGE, BAD_USER_INPUT when the file is empty, missing or was cut off on its way */
export async function readFileUpload(
  upload: Promise<FileUpload>,
): Promise<{ bytes: Buffer; declaredFilename: string | undefined }> {
  try {
    const { filename, createReadStream } = await upload;
    return { bytes: await readUpload(createReadStream()), declaredFilename: filename };
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    // A small file has already been found too large when it is opened; a large one is so while it is read.
    if ((cause as { status?: number }).status === 413) throw fileTooLarge(cause);
    throw new AppError("BAD_USER_INPUT", "The file is missing or was cut off on its way.", { cause });
  }
}
