// Turns an uploaded file into a picture that is safe to store and show. Each step is a file of this folder.
import type { Look } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import { pictureLimits, type UploadFormat } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import type { ImageHeader } from "./image-header.ts";
import { UPRIGHT } from "./exif.ts";
import { parseUpload } from "./parse.ts";
import { toShowable } from "./showable.ts";
import { tooComplex } from "./too-complex.ts";
import { drawThumbnail } from "./thumbnail.ts";
import { makeUpright } from "./upright.ts";

/** A picture that is turned or repaired usually has about the size of the upload. */
const MAX_ORIGINAL_BYTES = 2 * pictureLimits.maxFileBytes;

/** A picture that was decoded completely. Only data that a decoder needs, or that affects how it looks, is left. */
export interface SafePicture {
  format: UploadFormat;
  /** The upright original: the uploaded bytes, unless metadata was removed, damage was repaired, or it was turned. */
  original: Buffer;
  thumbnail: Buffer;
  placeholder: Placeholder;
  /** Size of the original in pixels. */
  width: number;
  height: number;
}

/**
 * Derives everything from an upload that is stored and shown.
 *
 * @returns a picture whose original is null when it is the upload without metadata: the caller can make that itself
 * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are not a JPEG, PNG or GIF
 * @throws IMAGE_TOO_COMPLEX before a pixel is decoded, or when the work takes too long
 * @throws UNREADABLE_IMAGE when the image is corrupt or ends early
 */
export async function makePicture(
  bytes: Buffer,
  look: Look,
): Promise<SafePicture | (Omit<SafePicture, "original"> & { original: null })> {
  const { header, toStripped, toVerified, toRepaired } = await parseUpload(bytes);
  const verified = await toVerified();
  const stripped = verified ?? toStripped();
  try {
    const picture = await derive(stripped, header, look);
    return !verified && picture.original === stripped ? { ...picture, original: null } : picture;
  } catch (error) {
    // The decoder also reports damage that loses no pixel.
    const isRewritten = header.format === "jpeg" && (verified || header.orientation !== UPRIGHT);
    const canRepair = toRepaired && !isRewritten;
    if (!canRepair || !(error instanceof AppError) || error.code !== "UNREADABLE_IMAGE") throw error;
    return derive(await toRepaired(), header, look);
  }
}

/** @param stripped an image without metadata, as it was uploaded or repaired */
async function derive(
  stripped: Buffer,
  { format, orientation }: ImageHeader,
  look: Look,
): Promise<SafePicture> {
  const original = await makeUpright(stripped, format, orientation);
  if (original.length > MAX_ORIGINAL_BYTES)
    throw tooComplex("bytes when it is rewritten", MAX_ORIGINAL_BYTES, original.length);
  const shown = await toShowable(original, format);
  const { thumbnail, ...placeholder } = await drawThumbnail(shown, look);
  return { format, original, thumbnail, placeholder, width: shown.width, height: shown.height };
}
