// Draws the square thumbnail, and on the way decodes the whole picture, which proves that all of it is there.
// Called by `picture-maker.ts` with the very bytes that will be stored.
import { THUMBNAIL_SIDE_PX, type PictureFormat } from "../domain/picture-format.ts";
import { decoding, openImage, openPixels, type Pixels } from "./decoder.ts";
import type { ImageHeader } from "./inspect.ts";

const encoderOptions: Record<PictureFormat, object> = {
  jpeg: { quality: 82 },
  png: {},
  gif: { effort: 1 }, // 12 ms instead of 42, and nobody sees it at this size.
};

/**
 * A thumbnail of 150 × 150 pixels: the middle of the picture, sRGB, in the picture's own format, without
 * metadata. Of an animation it is the first frame.
 *
 * @param bytes an upright picture
 * @throws UNREADABLE_IMAGE when any part of the picture data is missing or corrupt
 * @throws IMAGE_TOO_COMPLEX when decoding takes too long
 */
export async function drawThumbnail(
  bytes: Buffer,
  format: PictureFormat,
  header: ImageHeader,
): Promise<Buffer> {
  if (header.frameCount > 1) await decodeAllFrames(bytes);
  const reduced = await decodeReduced(bytes, header);
  return decoding(
    openPixels(reduced)
      .resize(THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX, { fit: "cover" })
      .toFormat(format, encoderOptions[format])
      .toBuffer(),
  );
}

/**
 * Decodes the whole picture, reduced until its short side is a thumbnail's. Nothing is cropped here: a decoder
 * skips rows that nobody asks for, and with them the end of a file that is cut off.
 */
async function decodeReduced(bytes: Buffer, { width, height }: ImageHeader): Promise<Pixels> {
  const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.min(width, height));
  const { data, info } = await decoding(
    openImage(bytes)
      .resize(Math.ceil(width * scale), Math.ceil(height * scale), { fit: "fill" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }),
  );
  return { bytes: data, width: info.width, height: info.height, channels: info.channels };
}

/** Decodes every frame and keeps none: each is reduced to a pixel. */
async function decodeAllFrames(bytes: Buffer): Promise<void> {
  await decoding(openImage(bytes, { pages: -1 }).resize(1, 1, { fit: "fill" }).raw().toBuffer());
}
