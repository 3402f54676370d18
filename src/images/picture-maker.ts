// From the bytes that a stranger sent to a picture that is safe to store and show. Called by
// `services/profile-picture-service.ts`; each step is a file of this folder.
import { plainLook } from "../domain/look.ts";
import type { Placeholder } from "../domain/media.ts";
import { pictureLimits, type PictureFormat } from "../domain/picture-format.ts";
import { WorkQueue, type WorkLimits } from "../domain/work-queue.ts";
import { stripGif } from "./gif/blocks.ts";
import { recogniseFormat } from "./image-format.ts";
import { inspect } from "./inspect.ts";
import { stripJpeg } from "./jpeg/segments.ts";
import { stripPng, withExifFirst } from "./png/chunks.ts";
import { drawThumbnail } from "./thumbnail.ts";
import { makeUpright } from "./upright.ts";

/** A picture that has been decoded from end to end and holds nothing but its pixels and colour profile. */
export interface SafePicture {
  format: PictureFormat;
  /** The original, upright. Where nothing had to go, these are the uploaded bytes. */
  original: Buffer;
  thumbnail: Buffer;
  placeholder: Placeholder;
  /** Pixels of the original. */
  width: number;
  height: number;
}

const strip: Record<PictureFormat, (bytes: Buffer) => Buffer | Promise<Buffer>> = {
  jpeg: stripJpeg,
  png: stripPng,
  gif: stripGif,
};

/** Somebody is waiting for the answer. */
const MAX_WAIT_MS = 8_000;

/** Makes pictures safe, a few at a time. */
export class PictureMaker {
  readonly #queue: WorkQueue;

  constructor(limits: Pick<WorkLimits, "maxConcurrent" | "maxWaiting">) {
    this.#queue = new WorkQueue("pictures", {
      ...limits,
      maxWaitMs: MAX_WAIT_MS,
      maxMemoryBytes: pictureLimits.maxSharedMemoryBytes,
    });
  }

  /** How many pictures are worked on, and how many wait. */
  get state(): { running: number; waiting: number } {
    return this.#queue.state;
  }

  /** Other work on pictures, which shares the bounds. @throws OVERLOADED, and what `job` throws */
  run<Result>(memoryBytes: number, job: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(memoryBytes, job);
  }

  /**
   * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are no JPEG, PNG or GIF
   * @throws IMAGE_TOO_COMPLEX from the header alone, or when the work takes too long
   * @throws UNREADABLE_IMAGE when the image is corrupt or ends early
   * @throws OVERLOADED when too many pictures wait already, or it has waited for too long
   */
  async make(bytes: Buffer, look = plainLook): Promise<SafePicture> {
    const format = await recogniseFormat(bytes);
    const readable = format === "png" ? withExifFirst(bytes) : bytes;
    const uploaded = await inspect(readable); // The header alone says how much work there is.
    return this.#queue.run(uploaded.memoryBytes, async () => {
      const stripped = await strip[format](bytes); // Walks the whole file, before anything is decoded.
      const isUpright = uploaded.orientation === 1;
      const original = isUpright ? stripped : await strip[format](await makeUpright(readable, format));
      const header = isUpright ? uploaded : await inspect(original);
      const { thumbnail, ...placeholder } = await drawThumbnail(original, format, header, look);
      return { format, original, thumbnail, placeholder, width: header.width, height: header.height };
    });
  }
}
