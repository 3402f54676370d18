// Reads the size of an image with the decoder. The image must be stripped already, see `parse.ts`.
import { pictureLimits } from "../domain/picture-format.ts";
import { decoding, openHeader } from "./decoder.ts";
import { tooComplex } from "./too-complex.ts";

/** Width and height of one frame, in pixels. */
export interface DecodedSize {
  width: number;
  height: number;
  frameCount: number;
}

/**
 * Returns the size that the decoder uses. The decoder replaces some GIF screen sizes, such as 640 × 480, by the size
 * of the first frame. Otherwise the size is the one that `parse.ts` finds.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function inspect(bytes: Buffer): Promise<DecodedSize> {
  const { width, height, pages: frameCount = 1 } = await decoding(openHeader(bytes).metadata());
  const { maxPixels, maxAnimationPixels } = pictureLimits;
  const pixels = width * height;
  if (pixels > maxPixels) throw tooComplex("pixels", maxPixels, pixels);
  const framePixels = frameCount * pixels;
  if (frameCount > 1 && framePixels > maxAnimationPixels)
    throw tooComplex("pixels in all frames together", maxAnimationPixels, framePixels);
  return { width, height, frameCount };
}
