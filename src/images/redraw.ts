// Draws the thumbnail and the placeholder of a stored picture again.
import type { Look } from "../domain/look.ts";
import { drawThumbnail, type Thumbnail } from "./thumbnail.ts";
import { readStored } from "./upright.ts";

/**
 * Decodes the whole picture. Does not find missing pixels of a GIF: the decoder does not report them.
 *
 * @returns the picture's thumbnail and placeholder, drawn again
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function redrawThumbnail(original: Buffer, look: Look): Promise<Thumbnail> {
  return drawThumbnail(await readStored(original), look);
}
