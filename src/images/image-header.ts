// The result of our own walk of an upload. No decoder has seen the bytes by then: decoders read metadata too, and
// may inflate 50 MB of text from a file of 50 KB.
import { pictureLimits, type PictureFormat } from "../domain/picture-format.ts";
import { tooComplex } from "./too-complex.ts";

/** Width and height are pixels as stored, before orientation. */
export interface ImageHeader {
  format: PictureFormat;
  width: number;
  height: number;
  frameCount: number;
  /** Pixels of all frames together, as they are stored. */
  framePixels: number;
  /** EXIF's number, 1 to 8: 1 is upright. */
  orientation: number;
  /** Bytes of one decoded pixel. */
  pixelBytes: number;
  /** Bytes of each pixel that a decoder holds until it has read the whole file; 0 where it needs a few rows at a time. */
  heldPixelBytes: number;
  /** Times that a decoder goes over all pixels. */
  scanCount: number;
}

/** An image that was taken apart into segments, chunks or blocks. */
export interface WalkedImage {
  header: ImageHeader;
  /** The same image without metadata, as fast as it can be copied. */
  keep(): Buffer;
  /**
   * As `keep`. Also checks compressed data where a decoder does not report missing pixels.
   *
   * @throws UNREADABLE_IMAGE when pixels are missing
   */
  verify(): Promise<Buffer>;
}

/** @throws IMAGE_TOO_COMPLEX with the `limit` that was passed and the `actual` number */
export function assertWithinLimits(header: ImageHeader, fileBytes: number): void {
  const { maxPixels, maxSidePx, maxFrames, maxAnimationPixels, maxScanPixels, maxMemoryBytes } =
    pictureLimits;
  const { width, height, frameCount, framePixels, scanCount } = header;
  const pixels = width * height;
  assertAtMost(maxPixels, pixels, "pixels");
  assertAtMost(maxSidePx, Math.max(width, height), "pixels on its longer side");
  assertAtMost(maxFrames, frameCount, "frames");
  if (frameCount > 1) assertAtMost(maxAnimationPixels, frameCount * pixels, "pixels in all frames together");
  assertAtMost(maxAnimationPixels, framePixels, "pixels in all frames together");
  if (scanCount > 1) assertAtMost(maxScanPixels, scanCount * pixels, "pixels in all scans together");
  assertAtMost(maxMemoryBytes, estimateMemory(header, fileBytes), "bytes of memory");
}

function assertAtMost(limit: number, actual: number, what: string): void {
  if (actual > limit) throw tooComplex(what, limit, actual);
}

/** Copies of the file in memory: the upload, its parts, the stripped image, and the image that is encoded again. */
const FILE_COPIES = 4;

/**
 * The memory that decoding takes at most, in bytes, measured as the growth of the resident set. Most images are read a
 * few rows at a time; an interlaced PNG and a JPEG of several scans are held as a whole, and so are a GIF and an image that
 * lies on its side.
 */
export function estimateMemory(header: ImageHeader, fileBytes: number): number {
  const { format, width, height, pixelBytes, heldPixelBytes, orientation } = header;
  const turnedBytes = orientation === 1 ? 0 : pixelBytes * 1.2;
  const bytesOfRows = { gif: 5, png: pixelBytes / 3, jpeg: 2 }[format];
  const perPixel = Math.max(heldPixelBytes + turnedBytes, bytesOfRows);
  return Math.ceil(FILE_COPIES * fileBytes + width * height * perPixel);
}
