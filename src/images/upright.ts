// Applies the EXIF orientation. Only an image that is not upright is encoded again; all others keep their bytes.
import type { UploadFormat } from "../domain/picture-format.ts";
import { decoding, openImage } from "./decoder.ts";
import { inspect, type DecodedSize } from "./inspect.ts";
import { parseStored, withOrientation } from "./parse.ts";

const turnedOptions: Record<UploadFormat, object> = {
  // The quality is high enough that encoding again causes no visible loss. `optimiseCoding` would keep a copy of the
  // picture in memory.
  jpeg: { quality: 92, optimiseCoding: false },
  png: {},
  gif: {},
};

/**
 * Applies the EXIF orientation. Keeps the colour profile and, for a PNG, the bit depth.
 *
 * @param stripped an image without metadata @param orientation from its metadata, 2 to 8
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function makeUpright(
  stripped: Buffer,
  format: UploadFormat,
  orientation: number,
): Promise<Buffer> {
  const image = openImage(withOrientation(stripped, format, orientation));
  const { depth, space } = await decoding(image.metadata());
  if (format === "png" && depth === "ushort") image.toColourspace(space); // Without this, the result has 8 bits.
  return decoding(image.autoOrient().keepIccProfile().toFormat(format, turnedOptions[format]).toBuffer());
}

/**
 * Returns a stored picture upright and stripped. Only pictures that LetsApp's own server stored may need a change.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readUpright(
  stored: Buffer,
): Promise<{ bytes: Buffer; format: UploadFormat; size: DecodedSize }> {
  const { header, toStripped } = await parseStored(stored);
  const { format, orientation } = header;
  const bytes = orientation === 1 ? toStripped() : await makeUpright(toStripped(), format, orientation);
  return { bytes, format, size: await inspect(bytes) };
}
