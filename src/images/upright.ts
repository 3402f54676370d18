// Applies the EXIF orientation. An image that is already upright passes unchanged.
import type { UploadFormat } from "../domain/picture-format.ts";
import { UPRIGHT } from "./exif.ts";
import { rebuildJpeg } from "./jpeg/rebuild.ts";
import { parseStored } from "./parse.ts";
import { turnPng } from "./png/turn.ts";
import { toShowable, type Showable } from "./showable.ts";

/**
 * Applies the EXIF orientation. Keeps the colour profile, and every pixel of an image whose blocks are whole.
 *
 * @param stripped an image without metadata @param orientation from its metadata, 1 to 8
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function makeUpright(
  stripped: Buffer,
  format: UploadFormat,
  orientation: number,
): Promise<Buffer> {
  if (orientation === UPRIGHT) return stripped;
  if (format === "jpeg") return rebuildJpeg(stripped, orientation);
  return format === "png" ? turnPng(stripped, orientation) : stripped; // A GIF has no orientation.
}

/**
 * Returns a stored picture for drawing: upright, stripped and showable. Only pictures that LetsApp's own server stored
 * may have metadata.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function readStored(stored: Buffer): Promise<Showable> {
  const { header, toStripped, toVerified } = await parseStored(stored);
  const { format, orientation } = header;
  // Removes a hostile colour profile. The data of a stored JPG or GIF may be incomplete.
  const verified = format === "png" ? await toVerified() : null;
  return toShowable(await makeUpright(verified ?? toStripped(), format, orientation), format);
}
