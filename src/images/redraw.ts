// Looks whether a stored picture is whole, long after it was made safe. Called by `jobs/examine-objects.ts` and `services/placeholders.ts`.
import type { Look } from "../domain/look.ts";
import { drawThumbnail, type Thumbnail } from "./thumbnail.ts";
import { readUpright } from "./upright.ts";

/**
 * Decodes a picture from end to end.
 *
 * @returns its thumbnail and its placeholder, made anew
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function redrawThumbnail(original: Buffer, look: Look): Promise<Thumbnail> {
  const { bytes, format, size } = await readUpright(original);
  return drawThumbnail(bytes, format, size, look);
}
