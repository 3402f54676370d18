// Turns a picture that lies on its side. Only such a picture is encoded again; all others keep their bytes.
// Called by `picture-maker.ts`.
import type { PictureFormat } from "../domain/picture-format.ts";
import { decoding, openImage } from "./decoder.ts";

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
