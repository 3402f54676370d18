// The memory that work on an image takes, read from its header without decoding it.
import { estimateMemory } from "./image-header.ts";
import { walkStored } from "./walk.ts";

/** Frames × pixels of an animation that still moves in its squares: half a second of work, and 80 MB. */
const MAX_MOVING_PIXELS = 20_000_000;

/** All frames lie in memory, twice where a part is cut out of each. */
const BYTES_PER_MOVING_PIXEL = 10;

/** The largest square on its way from one format to another. */
export const SQUARE_MEMORY_BYTES = 8_000_000;

/** For a still image. @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function readMemoryBytes(original: Buffer): Promise<number> {
  return estimateMemory((await walkStored(original)).header, original.length);
}

/**
 * For an animation; null where the image does not move, or there is too much of it.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readMovingMemoryBytes(original: Buffer): Promise<number | null> {
  const { frameCount, width, height } = (await walkStored(original)).header;
  const pixels = frameCount * width * height;
  return frameCount > 1 && pixels <= MAX_MOVING_PIXELS ? pixels * BYTES_PER_MOVING_PIXEL : null;
}
