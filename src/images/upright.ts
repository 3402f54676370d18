// Turns an image that lies on its side. Only such an image is encoded again; all others keep their bytes.
// Used by `make-picture.ts` and, for stored pictures, by `redraw.ts` and `rendition.ts`.
import type { PictureFormat } from "../domain/picture-format.ts";
import { decoding, openImage } from "./decoder.ts";
import { inspect, type DecodedSize } from "./inspect.ts";
import { walkStored, withOrientation } from "./walk.ts";

const encoderOptions: Record<PictureFormat, object> = {
  // High enough that one more generation cannot be seen. To optimise, the encoder would keep a copy of the picture.
  jpeg: { quality: 92, optimiseCoding: false },
  png: {},
  gif: {},
};

/**
 * The image as EXIF says that it is to be shown, with its colour profile and, as PNG, its depth.
 *
 * @param stripped an image without metadata @param orientation what its metadata said, 2 to 8
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function makeUpright(
  stripped: Buffer,
  format: PictureFormat,
  orientation: number,
): Promise<Buffer> {
  const image = openImage(withOrientation(stripped, format, orientation));
  const { depth, space } = await decoding(image.metadata());
  if (format === "png" && depth === "ushort") image.toColourspace(space); // Else it would end with 8 bits.
  return decoding(image.autoOrient().keepIccProfile().toFormat(format, encoderOptions[format]).toBuffer());
}

/**
 * A stored picture as it is seen. Ours are upright and stripped; what LetsApp has stored may not be.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readUpright(
  stored: Buffer,
): Promise<{ bytes: Buffer; format: PictureFormat; size: DecodedSize }> {
  const { header, keep } = await walkStored(stored);
  const { format, orientation } = header;
  const bytes = orientation === 1 ? keep() : await makeUpright(keep(), format, orientation);
  return { bytes, format, size: await inspect(bytes) };
}
