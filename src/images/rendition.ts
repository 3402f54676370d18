// Makes squares of a stored picture, in the sizes and formats that clients request.
import type { Look } from "../domain/look.ts";
import { pictureSizes, type RenditionFormat } from "../domain/rendition.ts";
import { decoding, openImage, openStored } from "./decoder.ts";
import { makeSquare, shownSidePx } from "./square.ts";
import { readStored } from "./upright.ts";

const MAX_SIDE_PX = Math.max(...pictureSizes);

/** More effort would save a few bytes at these sizes, and take several times as long. */
export const renditionOptions: Record<RenditionFormat, object> = {
  webp: { quality: 84, effort: 3 },
  avif: { quality: 55, effort: 2 },
  jpeg: { quality: 82 },
  png: {},
};

/** Maximum frames × pixels of an animated square. The more frames it has, the smaller its side is. */
const MAX_MADE_PIXELS = 8_000_000;

/**
 * Draws the largest square of a picture, as PNG. All others are made from it, so that the picture is decoded once.
 *
 * @returns a square of up to 600 pixels, but not larger than the visible part of the picture
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function drawMaster(original: Buffer, look: Look): Promise<Buffer> {
  const { bytes, firstFrame: page, ...size } = await readStored(original);
  const sidePx = Math.min(MAX_SIDE_PX, shownSidePx(size, look));
  const square = makeSquare(openStored(bytes, { page }), { ...size, sidePx, look });
  return decoding(square.png({ compressionLevel: 3 }).toBuffer());
}

/** @returns a square that is not larger than the master @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function drawSquare(master: Buffer, sidePx: number, format: RenditionFormat): Promise<Buffer> {
  const image = openImage(master).resize(sidePx, sidePx, { withoutEnlargement: true });
  if (format === "jpeg") image.flatten({ background: "#ffffff" });
  return decoding(image.toFormat(format, renditionOptions[format]).toBuffer());
}

/** Draws the square of an animation as animated WebP. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function drawAnimation(original: Buffer, maxSidePx: number, look: Look): Promise<Buffer> {
  const { bytes, firstFrame: page, ...size } = await readStored(original);
  const image = openStored(bytes, { page, pages: -1 });
  const sidePx = Math.min(maxSidePx, boundSidePx(size), shownSidePx(size, look));
  // The frames are stacked vertically, so sharpening would let the edge of one frame show in the next.
  const filter = look.filter === "SHARPEN" ? null : look.filter;
  const square = makeSquare(image, { ...size, sidePx, look: { ...look, filter } });
  return decoding(square.webp({ quality: 75, effort: 1 }).toBuffer());
}

function boundSidePx({ frameCount }: { frameCount: number }): number {
  return Math.floor(Math.sqrt(MAX_MADE_PIXELS / frameCount));
}
