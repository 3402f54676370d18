// Parses an image of any of the three formats and enforces the limits. Every image from outside passes through here
// before a decoder reads it.
import type { UploadFormat } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { walkGif } from "./gif/blocks.ts";
import { recogniseFormat } from "./image-format.ts";
import { assertWithinLimits, type WalkedImage } from "./image-header.ts";
import { walkJpeg, withJpegOrientation } from "./jpeg/segments.ts";
import { walkPng, withPngOrientation } from "./png/chunks.ts";

const walks: Record<UploadFormat, (bytes: Buffer) => WalkedImage> = {
  jpeg: walkJpeg,
  png: walkPng,
  gif: walkGif,
};

/**
 * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are not a JPEG, PNG or GIF
 * @throws UNREADABLE_IMAGE when the bytes end early or do not consist of segments, chunks or blocks
 * @throws IMAGE_TOO_COMPLEX when decoding would take too much time or memory
 */
export async function walkImage(bytes: Buffer): Promise<WalkedImage> {
  const walked = walks[await recogniseFormat(bytes)](bytes);
  assertWithinLimits(walked.header, bytes.length);
  return walked;
}

/**
 * As `walkImage`, for a stored picture: bytes of another format mean that the picture is damaged.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function walkStored(bytes: Buffer): Promise<WalkedImage> {
  try {
    return await walkImage(bytes);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "UNSUPPORTED_IMAGE_TYPE") throw cause;
    throw new AppError("UNREADABLE_IMAGE", "The stored picture is damaged.", { cause });
  }
}

/** Adds EXIF data that contains only the orientation. Returns a GIF unchanged, because GIF has no EXIF. */
export function withOrientation(bytes: Buffer, format: UploadFormat, orientation: number): Buffer {
  if (format === "jpeg") return withJpegOrientation(bytes, orientation);
  return format === "png" ? withPngOrientation(bytes, orientation) : bytes;
}
