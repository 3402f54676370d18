// Parses an image of any of the three formats and enforces the limits. Every image from outside passes through here
// before a decoder reads it.
import type { UploadFormat } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { parseGif } from "./gif/blocks.ts";
import { recogniseFormat } from "./image-format.ts";
import { assertWithinLimits, type ParsedImage } from "./image-header.ts";
import { parseJpeg } from "./jpeg/segments.ts";
import { parsePng } from "./png/chunks.ts";

const parsers: Record<UploadFormat, (bytes: Buffer) => ParsedImage> = {
  jpeg: parseJpeg,
  png: parsePng,
  gif: parseGif,
};

/**
 * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are not a JPEG, PNG or GIF
 * @throws UNREADABLE_IMAGE when the bytes end early or do not consist of segments, chunks or blocks
 * @throws IMAGE_TOO_COMPLEX when decoding would take too much time or memory
 */
export async function parseUpload(bytes: Buffer): Promise<ParsedImage> {
  const parsed = parsers[await recogniseFormat(bytes)](bytes);
  assertWithinLimits(parsed.header, bytes.length);
  return parsed;
}

/**
 * As `parseUpload`, for a stored picture: bytes of another format mean that the picture is damaged.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function parseStored(bytes: Buffer): Promise<ParsedImage> {
  try {
    return await parseUpload(bytes);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "UNSUPPORTED_IMAGE_TYPE") throw cause;
    throw new AppError("UNREADABLE_IMAGE", "The stored picture is damaged.", { cause });
  }
}
