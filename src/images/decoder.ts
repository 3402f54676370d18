// The one place that opens an image with sharp: three decoders and no other, strict about errors, bounded in
// pixels and in time. Called by the other files of this folder.
import sharp, { type Sharp, type SharpOptions } from "sharp";

import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";

/** sharp accepts SVG, PDF and a dozen more unless they are blocked; `Buffer` because no decoder may open a path. */
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadNsgifBuffer"],
});

/** Every picture is another one: a cache of operations would only hold memory. */
sharp.cache(false);

/** Uploads already run side by side; more threads within each would only take turns. */
sharp.concurrency(1);

/** A picture within the limits takes a fraction of this. */
const TIMEOUT_SECONDS = 10;

const safeInput: SharpOptions = {
  failOn: "warning",
  sequentialRead: true,
  limitInputPixels: pictureLimits.maxAnimationPixels,
};

/** Opens an image's first frame, or with `pages: -1` all of them below one another. Warnings of the decoder are errors. */
export function openImage(bytes: Buffer, options: { pages?: number; failOn?: "error" } = {}): Sharp {
  return sharp(bytes, { ...safeInput, ...options }).timeout({ seconds: TIMEOUT_SECONDS });
}

/**
 * As `openImage`, for a picture that was accepted. The decoder does not report warnings about the last rows of a
 * request, so a picture that was accepted at one size may have warnings at another.
 */
export function openStored(bytes: Buffer, options: { pages?: number } = {}): Sharp {
  return openImage(bytes, { ...options, failOn: "error" });
}

/** Opens an image of any size, to read its header and nothing else. */
export function openHeader(bytes: Buffer): Sharp {
  return sharp(bytes, { ...safeInput, limitInputPixels: false });
}

/** Pixels that have been decoded already. */
export interface Pixels {
  bytes: Buffer;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

export function openPixels({ bytes, ...raw }: Pixels): Sharp {
  return sharp(bytes, { raw }).timeout({ seconds: TIMEOUT_SECONDS });
}

/**
 * Runs one step of image work.
 *
 * @throws UNREADABLE_IMAGE when the image cannot be decoded whole
 * @throws IMAGE_TOO_COMPLEX when it takes too long or holds too many pixels
 */
export async function decoding<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (/out of memory/i.test((cause as Error).message)) {
      throw new AppError("OVERLOADED", "There is too little memory for this image right now.", { cause });
    }
    if (/timeout|exceeds pixel limit/i.test((cause as Error).message)) {
      throw new AppError("IMAGE_TOO_COMPLEX", "The image takes too long to process.", { cause });
    }
    throw new AppError("UNREADABLE_IMAGE", "The file is not a complete JPG, PNG or GIF image.", { cause });
  }
}
