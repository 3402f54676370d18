// Reads an image's header and refuses what would be too much to decode, before a single pixel is. Called by
// `picture-maker.ts`.
import { pictureLimits } from "../domain/picture-format.ts";
import { decoding, openHeader } from "./decoder.ts";
import { estimateMemory } from "./memory.ts";
import { tooComplex } from "./too-complex.ts";

/** What the header says. Width and height in pixels are as stored, before orientation. */
export interface ImageHeader {
  width: number;
  height: number;
  frameCount: number;
  /** EXIF's number, 1 to 8: 1 is upright. */
  orientation: number;
  /** What working on the picture takes at most. */
  memoryBytes: number;
}

/** @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX with the `limit` that was passed and the `actual` number */
export async function inspect(bytes: Buffer): Promise<ImageHeader> {
  const metadata = await decoding(openHeader(bytes).metadata());
  const { width, height, pages = 1, orientation = 1 } = metadata;
  const { maxPixels, maxSidePx, maxFrames, maxAnimationPixels, maxMemoryBytes } = pictureLimits;
  const pixels = width * height;
  const memoryBytes = estimateMemory(metadata, bytes.length);
  assertAtMost(maxPixels, pixels, "pixels");
  assertAtMost(maxSidePx, Math.max(width, height), "pixels on its longer side");
  assertAtMost(maxFrames, pages, "frames");
  if (pages > 1) assertAtMost(maxAnimationPixels, pages * pixels, "pixels in all frames together");
  assertAtMost(maxMemoryBytes, memoryBytes, "bytes of memory");
  return { width, height, frameCount: pages, orientation, memoryBytes };
}

function assertAtMost(limit: number, actual: number, what: string): void {
  if (actual > limit) throw tooComplex(what, limit, actual);
}
