// How much memory a picture takes while it is worked on, from its header alone. Called by `inspect.ts`; the figures
// were measured as the growth of the resident set.
import type { Metadata } from "sharp";

/** What is uploaded, what is kept of it, its parts on the way, and what is written anew. */
const FILE_COPIES = 4;

/**
 * What decoding takes at most, in bytes: most pictures are read a few rows at a time, but a progressive JPEG is kept
 * as coefficients of two bytes, an interlaced PNG, a GIF and a picture that lies on its side as pixels.
 */
export function estimateMemory(header: Metadata, fileBytes: number): number {
  const { format, width, height, channels, depth, isProgressive = false } = header;
  const pixels = width * height;
  const pixelBytes = channels * (depth === "ushort" ? 2 : 1);
  const turnedBytes = (header.orientation ?? 1) === 1 ? 0 : pixelBytes * (isProgressive ? 2 : 1.2);
  const perPixel = {
    gif: 5,
    png: isProgressive ? pixelBytes * 1.4 : pixelBytes / 3,
    // A baseline one takes less, unless its components stand apart. Which colours are sampled sparsely sharp says wrongly.
    jpeg: isProgressive ? channels * 2.2 : 2,
  }[format as "gif" | "png" | "jpeg"];
  return Math.ceil(FILE_COPIES * fileBytes + pixels * Math.max(perPixel, turnedBytes));
}
