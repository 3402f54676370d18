// Turns a picture that lies on its side. Only such a picture is encoded again; all others keep their bytes.
// Called by `picture-maker.ts`, and for stored pictures by `redraw.ts` and `rendition.ts`.
import type { PictureFormat } from "../domain/picture-format.ts";
import { decoding, openImage } from "./decoder.ts";
import { recogniseFormat } from "./image-format.ts";
import { inspect, type ImageHeader } from "./inspect.ts";

const encoderOptions: Record<PictureFormat, object> = {
  // High enough that one more generation cannot be seen. To optimise, the encoder would keep a copy of the picture.
  jpeg: { quality: 92, optimiseCoding: false },
  png: {},
  gif: {},
};

/**
 * The picture as EXIF says that it is to be shown, with its colour profile and, as PNG, its depth.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function makeUpright(bytes: Buffer, format: PictureFormat): Promise<Buffer> {
  const image = openImage(bytes);
  const { depth, space } = await decoding(image.metadata());
  if (format === "png" && depth === "ushort") image.toColourspace(space); // Else it would end with 8 bits.
  return decoding(image.autoOrient().keepIccProfile().toFormat(format, encoderOptions[format]).toBuffer());
}

/**
 * A stored picture as it is seen. Ours are upright; what LetsApp has stored may not be.
 *
 * @throws UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readUpright(
  stored: Buffer,
): Promise<{ bytes: Buffer; format: PictureFormat; header: ImageHeader }> {
  const format = await recogniseFormat(stored);
  const header = await inspect(stored);
  if (header.orientation === 1) return { bytes: stored, format, header };
  const bytes = await makeUpright(stored, format);
  return { bytes, format, header: await inspect(bytes) };
}
