// Looks whether a stored picture is whole, long after it was made safe. Called by `jobs/doctor.ts`.
import type { Look } from "../domain/look.ts";
import { drawThumbnail, type Thumbnail } from "./thumbnail.ts";
import { recogniseFormat } from "./image-format.ts";
import { inspect } from "./inspect.ts";

/**
 * Decodes a picture from end to end.
 *
 * @returns its thumbnail and its placeholder, made anew
 * @throws UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function redrawThumbnail(original: Buffer, look: Look): Promise<Thumbnail> {
  return drawThumbnail(original, await recogniseFormat(original), await inspect(original), look);
}
