// Draws the square thumbnail, and on the way decodes the whole picture, which proves that all of it is there.
// Used by `make-picture.ts` with the very bytes that will be stored.
import type { OutputInfo, Sharp } from "sharp";

import type { Look } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import { THUMBNAIL_SIDE_PX, type PictureFormat } from "../domain/picture-format.ts";
import { decoding, openImage, openPixels, type Pixels } from "./decoder.ts";
import type { DecodedSize } from "./inspect.ts";
import { makePlaceholder, PLACEHOLDER_SIDE_PX } from "./placeholder.ts";
import { makeSquare, shownSidePx } from "./square.ts";

const encoderOptions: Record<PictureFormat, object> = {
  jpeg: { quality: 82 },
  png: {},
  gif: { effort: 1 }, // 12 ms instead of 42, and nobody sees it at this size.
};

export interface Thumbnail extends Placeholder {
  thumbnail: Buffer;
}

/**
 * A thumbnail of 150 × 150 pixels: the middle of the picture unless the look says otherwise, sRGB, in the picture's own
 * format, without metadata. Of an animation it is the first frame.
 *
 * @param bytes an upright picture
 * @throws UNREADABLE_IMAGE when any part of the picture data is missing or corrupt
 * @throws IMAGE_TOO_COMPLEX when decoding takes too long
 */
export async function drawThumbnail(
  bytes: Buffer,
  format: PictureFormat,
  size: DecodedSize,
  look: Look,
): Promise<Thumbnail> {
  if (size.frameCount > 1) await decodeAllFrames(bytes);
  const reduced = await decodeReduced(bytes, size);
  const square = await decoding(
    drawSquare(bytes, size, reduced, look).raw().toBuffer({ resolveWithObject: true }),
  );
  const pixels = toPixels(square);
  const [thumbnail, rgba] = await Promise.all([
    decoding(openPixels(pixels).toFormat(format, encoderOptions[format]).toBuffer()),
    decoding(
      openPixels(pixels).resize(PLACEHOLDER_SIDE_PX).toColourspace("srgb").ensureAlpha().raw().toBuffer(),
    ),
  ]);
  return { thumbnail, ...makePlaceholder(rgba) };
}

/** From what was decoded already, unless too few pixels of it would be left: a small part of the picture is shown. */
function drawSquare(bytes: Buffer, size: DecodedSize, reduced: Pixels, look: Look): Sharp {
  const shape = { sidePx: THUMBNAIL_SIDE_PX, look, position: "centre" } as const;
  const isEnough = shownSidePx(reduced, look) >= Math.min(THUMBNAIL_SIDE_PX, shownSidePx(size, look));
  return isEnough
    ? makeSquare(openPixels(reduced), { ...reduced, ...shape })
    : makeSquare(openImage(bytes), { ...size, ...shape });
}

/**
 * Decodes the whole picture, reduced until its short side is a thumbnail's. Nothing is cropped here: a decoder
 * skips rows that nobody asks for, and with them the end of a file that is cut off.
 */
async function decodeReduced(bytes: Buffer, { width, height }: DecodedSize): Promise<Pixels> {
  const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.min(width, height));
  const reduced = openImage(bytes)
    .resize(Math.ceil(width * scale), Math.ceil(height * scale), { fit: "fill" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" });
  return toPixels(await decoding(reduced.toBuffer({ resolveWithObject: true })));
}

function toPixels({ data, info }: { data: Buffer; info: OutputInfo }): Pixels {
  return { bytes: data, width: info.width, height: info.height, channels: info.channels };
}

/** Decodes every frame and keeps none: each is reduced to a pixel. */
async function decodeAllFrames(bytes: Buffer): Promise<void> {
  await decoding(openImage(bytes, { pages: -1 }).resize(1, 1, { fit: "fill" }).raw().toBuffer());
}
