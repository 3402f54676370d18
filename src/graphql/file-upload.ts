// A file of a multipart request as the upload library hands it over, and the library's errors in our words.
// Used by `profile-picture.resolver.ts`.
import { GraphQLScalarType } from "graphql";
import { GraphQLUpload, type FileUpload } from "graphql-upload-ts";

import type { TakeBytes } from "../domain/byte-budget.ts";
import type { Look } from "../domain/look.ts";
import { fileTooLarge, readUpload, translateUploadError, type ReadUpload } from "../services/read-upload.ts";

/**
 * The library's scalar. A file that never comes makes its value reject before any resolver runs, so that is
 * translated here.
 */
export const UploadScalar = new GraphQLScalarType<Promise<FileUpload>>({
  ...GraphQLUpload.toConfig(),
  parseValue(value) {
    const upload = (GraphQLUpload.parseValue(value) as Promise<FileUpload>).catch((error: unknown) => {
      throw translateUploadError(error);
    });
    upload.catch(() => {}); // The resolver sees it; without one nobody has to.
    return upload;
  },
});

/** @throws FILE_TOO_LARGE, OVERLOADED, BAD_USER_INPUT when the file is empty, missing or was cut off on its way */
export async function readFileUpload(
  upload: Promise<FileUpload>,
  look: Look,
  take: TakeBytes,
): Promise<ReadUpload> {
  const { filename, createReadStream } = await upload;
  try {
    return { bytes: await readUpload(createReadStream(), take), declaredFilename: filename, look };
  } catch (cause) {
    // A small file has already been found too large when it is opened; a large one is so while it is read.
    if ((cause as { status?: number }).status === 413) throw fileTooLarge(cause);
    throw translateUploadError(cause);
  }
}
