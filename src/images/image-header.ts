// The result of our own parser, which reads an upload before any decoder does: decoders read metadata too, and may
// inflate 50 MB of text from a file of 50 KB.
import { pictureLimits, type UploadFormat } from "../domain/picture-format.ts";
import { UPRIGHT } from "./exif.ts";
import { tooComplex } from "./too-complex.ts";

/** Width and height are in pixels as stored, before the orientation is applied. */
export interface ImageHeader {
  format: UploadFormat;
  width: number;
  height: number;
  frameCount: number;
  /** Pixels of all frames together, each with its stored size. */
  framePixels: number;
  /** The EXIF orientation, 1 to 8; 1 is upright. */
  orientation: number;
  /** Bytes of one decoded pixel. */
  pixelBytes: number;
  /** Bytes per pixel that a decoder holds until it has read the whole file; 0 if it reads a few rows at a time. */
  heldPixelBytes: number;
  /** Bytes per pixel that setting the image upright takes. */
  turningPixelBytes: number;
  /** Number of times that a decoder goes over all pixels. */
  scanCount: number;
}

/** An image that our own parser has split into segments, chunks or blocks. */
export interface ParsedImage {
  header: ImageHeader;
  /** Returns the image without metadata. Copies bytes without checking the compressed data. */
  toStripped(): Buffer;
  /**
   * Checks data whose missing pixels the decoder would not report, and repairs damage that decoders show in different
   * ways.
   *
   * @returns the changed image without metadata; null when the stripped image can stay as it is
   * @throws UNREADABLE_IMAGE when pixels are missing
   * @throws IMAGE_TOO_COMPLEX when a repair would take too much time or memory
   */
  toVerified(): Promise<Buffer | null>;
  /**
   * Repairs damage that loses no pixel and that the decoder reports. Null when there is no such repair.
   *
   * @throws as `toVerified`
   */
  toRepaired: (() => Promise<Buffer>) | null;
}

/** @throws IMAGE_TOO_COMPLEX with the `limit` that was exceeded and the `actual` number */
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
  assertAtMost(maxMemoryBytes, estimateMemory(header, fileBytes), "bytes when it is decoded");
}

function assertAtMost(limit: number, actual: number, what: string): void {
  if (actual > limit) throw tooComplex(what, limit, actual);
}

/** Copies of the file in memory: the upload, its parts, the stripped image, and the re-encoded image. */
const FILE_COPIES = 4;

/**
 * The maximum memory that decoding takes, in bytes. The factors are measured growths of the resident set. Decoders read
 * most images a few rows at a time. Interlaced PNGs, JPEGs of several scans, GIFs, and images that have to be turned
 * upright are held as a whole.
 */
export function estimateMemory(header: ImageHeader, fileBytes: number): number {
  const { format, width, height, pixelBytes, heldPixelBytes, orientation } = header;
  const turningPixelBytes = orientation === UPRIGHT ? 0 : header.turningPixelBytes;
  const basePixelBytes = { gif: 5, png: pixelBytes / 3, jpeg: 2 }[format];
  const perPixel = Math.max(heldPixelBytes, turningPixelBytes, basePixelBytes);
  return Math.ceil(FILE_COPIES * fileBytes + width * height * perPixel);
}
