// Reads an image's header and refuses what would be too much to decode, before a single pixel is. Called by
// `picture-maker.ts`.
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { decoding, openHeader } from "./decoder.ts";
import { estimateMemory } from "./memory.ts";

/** What the header says. Width and height are as stored, before orientation. */
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
  const pixels = width * height;
  if (pixels > pictureLimits.maxPixels) {
    throw tooComplex("has", "pixels", pictureLimits.maxPixels, pixels);
  }
  const longSide = Math.max(width, height);
  if (longSide > pictureLimits.maxSidePx) {
    throw tooComplex("has", "pixels on its longer side", pictureLimits.maxSidePx, longSide);
  }
  if (pages > pictureLimits.maxFrames) {
    throw tooComplex("has", "frames", pictureLimits.maxFrames, pages);
  }
  if (pages > 1 && pages * pixels > pictureLimits.maxAnimationPixels) {
    throw tooComplex(
      "has",
      "pixels in all frames together",
      pictureLimits.maxAnimationPixels,
      pages * pixels,
    );
  }
  const memoryBytes = estimateMemory(metadata, bytes.length);
  if (memoryBytes > pictureLimits.maxMemoryBytes) {
    throw tooComplex("needs", "bytes of memory", pictureLimits.maxMemoryBytes, memoryBytes);
  }
  return { width, height, frameCount: pages, orientation, memoryBytes };
}

function tooComplex(verb: string, what: string, limit: number, actual: number): AppError {
  const [bound, found] = [limit, actual].map((number) => number.toLocaleString("en"));
  return new AppError(
    "IMAGE_TOO_COMPLEX",
    `The image ${verb} ${found} ${what}; up to ${bound} are accepted.`,
    {
      limit,
      actual,
    },
  );
}
