// Looks whether a stored picture is whole, long after it was made safe. Called by `jobs/doctor.ts`.
import { drawThumbnail } from "./thumbnail.ts";
import { recogniseFormat } from "./image-format.ts";
import { inspect } from "./inspect.ts";

/**
 * Decodes a picture from end to end.
 *
 * @returns its thumbnail, drawn anew
 * @throws UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function redrawThumbnail(original: Buffer): Promise<Buffer> {
  return drawThumbnail(original, await recogniseFormat(original), await inspect(original));
}
