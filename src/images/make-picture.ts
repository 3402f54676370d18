// Turns an uploaded file into a picture that is safe to store and show. Each step is a file of this folder.
import type { Look } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import type { UploadFormat } from "../domain/picture-format.ts";
import { inspect } from "./inspect.ts";
import { parseUpload } from "./parse.ts";
import { drawThumbnail } from "./thumbnail.ts";
import { makeUpright } from "./upright.ts";

/** A picture that was decoded completely. Only data that a decoder needs, or that affects how it looks, is left. */
export interface SafePicture {
  format: UploadFormat;
  /** The upright original: the uploaded bytes, unless metadata was removed or the picture was turned upright. */
  original: Buffer;
  thumbnail: Buffer;
  placeholder: Placeholder;
  /** Size of the original in pixels. */
  width: number;
  height: number;
}

/**
 * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are not a JPEG, PNG or GIF
 * @throws IMAGE_TOO_COMPLEX before a pixel is decoded, or when the work takes too long
 * @throws UNREADABLE_IMAGE when the image is corrupt or ends early
 */
export async function makePicture(bytes: Buffer, look: Look): Promise<SafePicture> {
  const { header, toVerified } = await parseUpload(bytes);
  const { format, orientation } = header;
  const stripped = await toVerified();
  const original =
    orientation === 1
      ? stripped
      : await (await parseUpload(await makeUpright(stripped, format, orientation))).toVerified();
  const size = await inspect(original);
  const { thumbnail, ...placeholder } = await drawThumbnail(original, format, size, look);
  return { format, original, thumbnail, placeholder, width: size.width, height: size.height };
}
