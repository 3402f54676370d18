// Draws the square thumbnail. Decodes the whole picture to do so, which also finds most damage. The decoder does not
// report missing pixels of a GIF: `gif/lzw.ts` finds them.
import type { OutputInfo } from "sharp";

import { regionOf, type Crop, type Look } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import { THUMBNAIL_SIDE_PX, type UploadFormat } from "../domain/picture-format.ts";
import { decoding, openImage, openPixels, openStored, type Pixels } from "./decoder.ts";
import { makePlaceholder } from "./placeholder.ts";
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
  const square = await drawUnencodedSquare(picture, await decodeReduced(picture), look);
  const encoded = openPixels(square).toFormat(format, thumbnailOptions[format]).toBuffer();
  return { thumbnail: await decoding(encoded), ...makePlaceholder(square) };
}

/**
 * Makes the square from the pixels in `reduced`. If the crop leaves too few of them for a thumbnail, decodes the picture
 * again, in its full size.
 */
async function drawUnencodedSquare(picture: Showable, reduced: Pixels, look: Look): Promise<Pixels> {
  const sidePx = THUMBNAIL_SIDE_PX;
  const reducedSidePx = shownSidePx(reduced, look);
  if (reducedSidePx === sidePx && isSquare(look)) return cutSquare(reduced, look.crop ?? CENTRE);
  const { bytes, firstFrame: page, width, height } = picture;
  const square =
    reducedSidePx >= Math.min(sidePx, shownSidePx(picture, look))
      ? makeSquare(openPixels(reduced), { ...reduced, sidePx, look })
      : makeSquare(openStored(bytes, { page }), { width, height, sidePx, look });
  return toPixels(await decoding(square.raw().toBuffer({ resolveWithObject: true })));
}

/** True when a look only selects the largest square around a point. */
function isSquare({ crop, filter }: Look): boolean {
  return !filter && (crop === null || crop.width === null);
}

const CENTRE: Crop = { x: 0.5, y: 0.5, width: null, height: null };

/** Copies the pixels of a region. */
function cutSquare({ bytes, ...size }: Pixels, crop: Crop): Pixels {
  const { left, top, width, height } = regionOf(crop, size);
  const rowBytes = width * size.channels;
  const square = Buffer.allocUnsafe(height * rowBytes);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * size.width + left) * size.channels;
    bytes.copy(square, row * rowBytes, start, start + rowBytes);
  }
  return { bytes: square, width, height, channels: size.channels };
}

/**
 * Decodes the whole picture and scales its short side down to that of a thumbnail. Does not crop: a decoder skips rows
 * that are not requested, and would not notice that the file is cut off in those rows.
 */
async function decodeReduced({ bytes, firstFrame: page, width, height }: Showable): Promise<Pixels> {
  const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.min(width, height));
  const reduced = openImage(bytes, { page })
    .resize(Math.round(width * scale), Math.round(height * scale), { fit: "fill" })
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
