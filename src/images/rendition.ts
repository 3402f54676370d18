// Squares of a stored picture in the sizes and formats that screens want. Called by `services/renditions.ts`.
import type { Look } from "../domain/look.ts";
import { pictureSizes, type RenditionFormat } from "../domain/rendition.ts";
import { decoding, openImage } from "./decoder.ts";
import { inspect } from "./inspect.ts";
import { makeSquare, shownSidePx } from "./square.ts";

const MAX_SIDE_PX = Math.max(...pictureSizes);

/** At these sizes more effort saves a few bytes and costs a multiple of the time. */
const encoderOptions: Record<RenditionFormat, object> = {
  webp: { quality: 80, effort: 3 },
  avif: { quality: 55, effort: 2 },
  jpeg: { quality: 82 },
  png: {},
};

/** Frames × pixels of an animation that is made; a longer one becomes smaller. */
const MAX_ANIMATION_PIXELS = 20_000_000;

/**
 * The largest square of a picture, as PNG: all others are made from it, so that the picture is decoded once.
 *
 * @returns up to 600 pixels on each side: no more than the part of the picture has that is shown
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function drawMaster(original: Buffer, look: Look): Promise<Buffer> {
  const header = await inspect(original);
  const sidePx = Math.min(MAX_SIDE_PX, shownSidePx(header, look));
  const square = makeSquare(openImage(original), { ...header, sidePx, look, position: "attention" });
  return decoding(square.png({ compressionLevel: 3 }).toBuffer());
}

/** @returns a square no larger than the master. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function drawSquare(master: Buffer, sidePx: number, format: RenditionFormat): Promise<Buffer> {
  const image = openImage(master).resize(sidePx, sidePx, { withoutEnlargement: true });
  if (format === "jpeg") image.flatten({ background: "#ffffff" });
  return decoding(image.toFormat(format, encoderOptions[format]).toBuffer());
}

/**
 * An animation as animated WebP; a picture that does not move as a still one.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function drawAnimation(original: Buffer, maxSidePx: number, look: Look): Promise<Buffer> {
  const header = await inspect(original);
  const boundPx = Math.floor(Math.sqrt(MAX_ANIMATION_PIXELS / header.frameCount));
  const sidePx = Math.min(maxSidePx, boundPx, shownSidePx(header, look));
  const image = openImage(original, { pages: -1 });
  const square = makeSquare(image, { ...header, sidePx, look, position: "centre" });
  return decoding(square.webp({ quality: 75, effort: 1 }).toBuffer());
}
