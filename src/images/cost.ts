// Estimates the memory that work on a stored image takes, from the image's header and without decoding it.
import { estimateMemory } from "./image-header.ts";
import { parseStored } from "./parse.ts";

/** Maximum frames × pixels of an animation whose squares are animated: half a second of work, and up to 200 MB. */
const MAX_ANIMATED_PIXELS = 20_000_000;

/** All frames are in memory at once, and twice when each of them is cropped. */
const BYTES_PER_ANIMATED_PIXEL = 10;

/** Memory to convert the largest square from one format to another. */
export const SQUARE_MEMORY_BYTES = 8_000_000;

/** The memory for work on a still image. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function estimateStillMemory(original: Buffer): Promise<number> {
  return estimateMemory((await parseStored(original)).header, original.length);
}

/**
 * The memory for work on an animation. Null when the image is not animated, or exceeds `MAX_ANIMATED_PIXELS`.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function estimateAnimationMemory(original: Buffer): Promise<number | null> {
  const { frameCount, width, height } = (await parseStored(original)).header;
  const pixels = frameCount * width * height;
  return frameCount > 1 && pixels <= MAX_ANIMATED_PIXELS ? pixels * BYTES_PER_ANIMATED_PIXEL : null;
}
