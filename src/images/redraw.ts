// Checks that a stored picture can still be decoded completely.
import type { Look } from "../domain/look.ts";
import { drawThumbnail, type Thumbnail } from "./thumbnail.ts";
import { readUpright } from "./upright.ts";

/**
 * Decodes the whole picture.
 *
 * @returns its thumbnail and its placeholder, drawn again
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function redrawThumbnail(original: Buffer, look: Look): Promise<Thumbnail> {
  const { bytes, format, size } = await readUpright(original);
  return drawThumbnail(bytes, format, size, look);
}
