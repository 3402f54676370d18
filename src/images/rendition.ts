// Squares of a stored picture in the sizes and formats that screens want. Called by `services/renditions.ts`.
import type { Look } from "../domain/look.ts";
import { pictureSizes, type RenditionFormat } from "../domain/rendition.ts";
import { decoding, openImage } from "./decoder.ts";
import { inspect, type ImageHeader } from "./inspect.ts";
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

/** Frames × pixels of an animation that still moves in its squares: half a second of work, and 80 MB. */
const MAX_MOVING_PIXELS = 20_000_000;

/** Frames × pixels of what is made; a longer animation becomes smaller. */
const MAX_MADE_PIXELS = 8_000_000;

/** All frames lie in memory, twice where a part is cut out of each. */
const BYTES_PER_MOVING_PIXEL = 10;

/** Of a square of the largest size, on its way from one format to another. */
export const SQUARE_MEMORY_BYTES = 8_000_000;

/** What working on a stored picture takes at most. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function readMemoryBytes(original: Buffer): Promise<number> {
  return (await inspect(original)).memoryBytes;
}

/**
 * What animating a stored picture takes at most; null where it does not move, or there is too much of it.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readMovingMemoryBytes(original: Buffer): Promise<number | null> {
  const header = await inspect(original);
  const pixels = header.frameCount * header.width * header.height;
  return header.frameCount > 1 && pixels <= MAX_MOVING_PIXELS ? pixels * BYTES_PER_MOVING_PIXEL : null;
}

/**
 * The largest square of a picture, as PNG: all others are made from it, so that the picture is decoded once.
 *
 * @returns up to 600 pixels on each side: no more than the part of the picture has that is shown
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function drawMaster(original: Buffer, look: Look): Promise<Buffer> {
  const { bytes, header } = await readUpright(original);
  const sidePx = Math.min(MAX_SIDE_PX, shownSidePx(header, look));
  const square = makeSquare(openImage(bytes), { ...header, sidePx, look, position: "attention" });
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
  const header = await inspect(original);
  const image = openImage(original, { pages: -1 });
  const sidePx = Math.min(maxSidePx, boundSidePx(header), shownSidePx(header, look));
  // The frames lie below one another, so that sharper edges of one would be seen in the next.
  const filter = look.filter === "SHARPEN" ? null : look.filter;
  const square = makeSquare(image, { ...header, sidePx, look: { ...look, filter }, position: "centre" });
  return decoding(square.webp({ quality: 75, effort: 1 }).toBuffer());
}

function boundSidePx({ frameCount }: ImageHeader): number {
  return Math.floor(Math.sqrt(MAX_MADE_PIXELS / frameCount));
}
