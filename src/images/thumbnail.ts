// Draws the square thumbnail. Decodes the whole picture to do so, which also finds most damage. The decoder does not
// report missing pixels of a GIF: `gif/lzw.ts` finds them.
import type { OutputInfo, Sharp } from "sharp";

import type { Look } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import { THUMBNAIL_SIDE_PX, type UploadFormat } from "../domain/picture-format.ts";
import { decoding, openImage, openPixels, openStored, type Pixels } from "./decoder.ts";
import { makePlaceholder, PLACEHOLDER_SIDE_PX } from "./placeholder.ts";
import type { Showable } from "./showable.ts";
import { makeSquare, shownSidePx } from "./square.ts";

const thumbnailOptions: Record<UploadFormat, object> = {
  jpeg: { quality: 82 },
  png: {},
  gif: { effort: 1 }, // Takes 12 ms instead of 42. The difference is not visible at this size.
};

export interface Thumbnail extends Placeholder {
  thumbnail: Buffer;
}

/**
 * Draws a thumbnail of 150 × 150 pixels in sRGB, in the picture's own format and without metadata. Shows the middle of
 * the picture, unless `look` has a crop. For an animation, draws the first frame.
 *
 * @throws UNREADABLE_IMAGE when the decoder reports missing or corrupt data in any part of the picture
 * @throws IMAGE_TOO_COMPLEX when decoding takes too long
 */
export async function drawThumbnail(picture: Showable, look: Look): Promise<Thumbnail> {
  const { format, frameCount } = picture;
  if (frameCount > 1) await decodeAllFrames(picture);
  const reduced = await decodeReduced(picture);
  const square = await decoding(
    drawUnencodedSquare(picture, reduced, look).raw().toBuffer({ resolveWithObject: true }),
  );
  const pixels = toPixels(square);
  const [thumbnail, rgba] = await Promise.all([
    decoding(openPixels(pixels).toFormat(format, thumbnailOptions[format]).toBuffer()),
    decoding(
      openPixels(pixels).resize(PLACEHOLDER_SIDE_PX).toColourspace("srgb").ensureAlpha().raw().toBuffer(),
    ),
  ]);
  return { thumbnail, ...makePlaceholder(rgba) };
}

/**
 * Draws the square from the pixels in `reduced`. If the crop leaves too few of them for a thumbnail, decodes the
 * picture again, in its full size.
 */
function drawUnencodedSquare(picture: Showable, reduced: Pixels, look: Look): Sharp {
  const shape = { sidePx: THUMBNAIL_SIDE_PX, look };
  const hasEnoughPixels =
    shownSidePx(reduced, look) >= Math.min(THUMBNAIL_SIDE_PX, shownSidePx(picture, look));
  if (hasEnoughPixels) return makeSquare(openPixels(reduced), { ...reduced, ...shape });
  const { bytes, firstFrame: page, width, height } = picture;
  return makeSquare(openStored(bytes, { page }), { width, height, ...shape });
}

/**
 * Decodes the whole picture and scales its short side down to that of a thumbnail. Does not crop: a decoder skips rows
 * that are not requested, and would not notice that the file is cut off in those rows.
 */
async function decodeReduced({ bytes, firstFrame: page, width, height }: Showable): Promise<Pixels> {
  const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.min(width, height));
  const reduced = openImage(bytes, { page })
    .resize(Math.ceil(width * scale), Math.ceil(height * scale), { fit: "fill" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" });
  return toPixels(await decoding(reduced.toBuffer({ resolveWithObject: true })));
}

function toPixels({ data, info }: { data: Buffer; info: OutputInfo }): Pixels {
  return { bytes: data, width: info.width, height: info.height, channels: info.channels };
}

/** Decodes every frame, only to check it: each is scaled to one pixel. */
async function decodeAllFrames({ bytes, firstFrame: page }: Showable): Promise<void> {
  await decoding(openImage(bytes, { page, pages: -1 }).resize(1, 1, { fit: "fill" }).raw().toBuffer());
}
