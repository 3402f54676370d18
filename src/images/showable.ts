// Prepares a picture for drawing: changes it so that the decoder shows what browsers show. The stored original stays as
// it is.
import { pictureLimits, type UploadFormat } from "../domain/picture-format.ts";
import { decoding, openHeader } from "./decoder.ts";
import { showableGif } from "./gif/showable.ts";
import { showableJpeg } from "./jpeg/showable.ts";
import { showablePng } from "./png/showable.ts";
import { tooComplex } from "./too-complex.ts";

/** A picture that the decoder shows as browsers do. Width and height are in pixels. */
export interface Showable {
  format: UploadFormat;
  bytes: Buffer;
  width: number;
  height: number;
  /** Index of the first frame to show, which is 1 if a frame had to be added. */
  firstFrame: number;
  /** Number of frames to show. */
  frameCount: number;
}

/** @param bytes an upright picture without metadata @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function toShowable(bytes: Buffer, format: UploadFormat): Promise<Showable> {
  if (format === "gif") return toShowableGif(bytes);
  const shown = format === "png" ? await showablePng(bytes) : showableJpeg(bytes);
  return { format, ...shown, firstFrame: 0, frameCount: 1 };
}

/** Reads the size from the decoder: it may enlarge the screen. */
async function toShowableGif(gif: Buffer): Promise<Showable> {
  const { bytes, firstFrame } = showableGif(gif);
  const { width, height, pages = 1 } = await decoding(openHeader(bytes).metadata());
  const { maxPixels, maxAnimationPixels } = pictureLimits;
  if (width * height > maxPixels) throw tooComplex("pixels", maxPixels, width * height);
  const frameCount = pages - firstFrame;
  const framePixels = frameCount * width * height;
  if (frameCount > 1 && framePixels > maxAnimationPixels)
    throw tooComplex("pixels in all frames together", maxAnimationPixels, framePixels);
  return { format: "gif", bytes, width, height, firstFrame, frameCount };
}
