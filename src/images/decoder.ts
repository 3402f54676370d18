// The only place that opens images with sharp: three decoders, strict about errors, limited in pixels and in time.
import sharp, { type Sharp, type SharpOptions } from "sharp";

import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";

/** sharp accepts SVG, PDF and a dozen more unless they are blocked. Only buffers can be opened, and not paths. */
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadNsgifBuffer"],
});

/** Every picture is different, so a cache of operations would only take memory. */
sharp.cache(false);

/** Uploads are already processed in parallel. More threads per upload would only compete for the same cores. */
sharp.concurrency(1);

/** A picture within the limits takes a fraction of this. */
const TIMEOUT_SECONDS = 10;

const safeInput: SharpOptions = {
  failOn: "warning",
  sequentialRead: true,
  limitInputPixels: pictureLimits.maxAnimationPixels,
};

interface FrameOptions {
  /** Index of the first frame. Default: 0. */
  page?: number;
  /** Number of frames, which are stacked vertically; -1 for all. Default: 1. */
  pages?: number;
}

/** Opens frames of an image. Decoder warnings are errors. */
export function openImage(bytes: Buffer, options: FrameOptions & { failOn?: "error" } = {}): Sharp {
  return sharp(bytes, { ...safeInput, ...options }).timeout({ seconds: TIMEOUT_SECONDS });
}

/**
 * As `openImage`, but ignores decoder warnings. Only for a picture that was accepted. The decoder does not report
 * warnings about the last rows that it decodes for a request. A picture that caused no warning at one size may
 * therefore cause one at another.
 */
export function openStored(bytes: Buffer, options: FrameOptions = {}): Sharp {
  return openImage(bytes, { ...options, failOn: "error" });
}

/** As `openImage`, but keeps the numbers of all samples: ignores the colour profile. */
export function openUnconverted(bytes: Buffer): Sharp {
  return sharp(bytes, { ...safeInput, ignoreIcc: true }).timeout({ seconds: TIMEOUT_SECONDS });
}

/** Opens an image of any size, to read only its header. */
export function openHeader(bytes: Buffer): Sharp {
  return sharp(bytes, { ...safeInput, limitInputPixels: false });
}

/** Decoded pixels. */
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
 * @throws UNREADABLE_IMAGE when the image cannot be decoded completely
 * @throws IMAGE_TOO_COMPLEX when it takes too long or has too many pixels
 * @throws OVERLOADED when there is too little memory
 */
export async function decoding<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (/out of memory/i.test((cause as Error).message)) {
      throw new AppError("OVERLOADED", "There is too little memory for this image right now.", { cause });
    }
    if (/timeout|exceeds pixel limit/i.test((cause as Error).message)) {
      const message = "The image has too many pixels, or takes too long to process.";
      throw new AppError("IMAGE_TOO_COMPLEX", message, { cause });
    }
    const message = "The image is damaged or was cut off. Save it again, or choose another file.";
    throw new AppError("UNREADABLE_IMAGE", message, { cause });
  }
}
