// Squares of a stored picture in the sizes and formats that screens want.
import type { Look } from "../domain/look.ts";
import { pictureSizes, type RenditionFormat } from "../domain/rendition.ts";
import { decoding, openImage, openStored } from "./decoder.ts";
import type { DecodedSize } from "./inspect.ts";
import { makeSquare, shownSidePx } from "./square.ts";
import { readUpright } from "./upright.ts";

const MAX_SIDE_PX = Math.max(...pictureSizes);

/** At these sizes more effort saves a few bytes and costs a multiple of the time. */
export const encoderOptions: Record<RenditionFormat, object> = {
  webp: { quality: 80, effort: 3 },
  avif: { quality: 55, effort: 2 },
  jpeg: { quality: 82 },
  png: {},
};

/** Frames × pixels of what is made; a longer animation becomes smaller. */
const MAX_MADE_PIXELS = 8_000_000;

/**
 * The largest square of a picture, as PNG: all others are made from it, so that the picture is decoded once.
 *
 * @returns up to 600 pixels on each side: no more than the part of the picture has that is shown
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function drawMaster(original: Buffer, look: Look): Promise<Buffer> {
  const { bytes, size } = await readUpright(original);
  const sidePx = Math.min(MAX_SIDE_PX, shownSidePx(size, look));
  const square = makeSquare(openStored(bytes), { ...size, sidePx, look, position: "attention" });
  return decoding(square.png({ compressionLevel: 3 }).toBuffer());
}

/** @returns a square no larger than the master. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function drawSquare(master: Buffer, sidePx: number, format: RenditionFormat): Promise<Buffer> {
  const image = openImage(master).resize(sidePx, sidePx, { withoutEnlargement: true });
  if (format === "jpeg") image.flatten({ background: "#ffffff" });
  return decoding(image.toFormat(format, encoderOptions[format]).toBuffer());
}

/** An animation as animated WebP. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function drawAnimation(original: Buffer, maxSidePx: number, look: Look): Promise<Buffer> {
  const { bytes, size } = await readUpright(original);
  const image = openStored(bytes, { pages: -1 });
  const sidePx = Math.min(maxSidePx, boundSidePx(size), shownSidePx(size, look));
  // The frames lie below one another, so that sharper edges of one would be seen in the next.
  const filter = look.filter === "SHARPEN" ? null : look.filter;
  const square = makeSquare(image, { ...size, sidePx, look: { ...look, filter }, position: "centre" });
  return decoding(square.webp({ quality: 75, effort: 1 }).toBuffer());
}

function boundSidePx({ frameCount }: DecodedSize): number {
  return Math.floor(Math.sqrt(MAX_MADE_PIXELS / frameCount));
}
