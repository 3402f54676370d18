// Recognises the format of an upload by its bytes before anything else reads them. Ignores the declared name and type.
import { fileTypeFromBuffer, type FileTypeResult } from "file-type";

import { allowedContentTypes, isAllowedContentType, type UploadFormat } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";

const signatures: Record<UploadFormat, readonly Buffer[]> = {
  jpeg: [Buffer.from([0xff, 0xd8, 0xff])],
  png: [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  gif: [Buffer.from("GIF87a"), Buffer.from("GIF89a")],
};

/** Number of bytes at the start of a refused file that are examined to name the file's type in the error. */
const NAMING_BYTES = 4096;

/** @throws UNSUPPORTED_IMAGE_TYPE with the accepted types, and the actual one when it is recognised */
export async function recogniseFormat(bytes: Buffer): Promise<UploadFormat> {
  for (const [format, starts] of Object.entries(signatures)) {
    if (starts.some((start) => bytes.subarray(0, start.length).equals(start))) return format as UploadFormat;
  }
  const type = await findType(bytes);
  const message = type
    ? `The file has the type ${type.ext.toUpperCase()}. Pictures can be JPG, PNG or GIF.`
    : "The file is not a JPG, PNG or GIF image.";
  throw new AppError("UNSUPPORTED_IMAGE_TYPE", message, {
    allowed: allowedContentTypes,
    ...(type && { actual: type.mime }),
  });
}

/** Returns undefined also for a type that is accepted: its first bytes are wrong. */
async function findType(bytes: Buffer): Promise<FileTypeResult | undefined> {
  try {
    const type = await fileTypeFromBuffer(bytes.subarray(0, NAMING_BYTES));
    return type && isAllowedContentType(type.mime) ? undefined : type;
  } catch {
    return undefined; // The type only makes the error more helpful. The file is refused without it too.
  }
}
