// What is shown before a picture has come. It is made at the upload; a record of an earlier time lacks it, and gets it
// when somebody asks. Called by `graphql/media.resolver.ts`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { BoundedCache } from "../domain/bounded-cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf, type Media, type Placeholder } from "../domain/media.ts";
import { WorkQueue } from "../domain/work-queue.ts";
import { AppError } from "../errors.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import { renderThumbHash } from "../images/placeholder.ts";
import { readMemoryBytes } from "../images/rendition.ts";
import { redrawThumbnail } from "../images/redraw.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/** Nobody waits for it. */
const workLimits = { maxConcurrent: 1, maxWaiting: 500, maxWaitMs: 600_000, maxMemoryBytes: Infinity };

/** Of each kind in memory. */
const MAX_COUNT = 10_000;

export class Placeholders {
  readonly #work = new WorkQueue("placeholders", workLimits);
  /** Those that could not be made stay, so that nobody tries again and again. */
  readonly #made = new BoundedCache<MediaId, Promise<Placeholder | null>>(MAX_COUNT);

  readonly #urls = new BoundedCache<string, Promise<string>>(MAX_COUNT);

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly pictures: Pick<PictureMaker, "run">,
    readonly log: FastifyBaseLogger,
  ) {}

  /** The placeholder; null while it is being made, or where it cannot be. */
  find(media: Media): Placeholder | null {
    if (!media.placeholder) void this.fillIn(media);
    return media.placeholder;
  }

  /** Makes what a record lacks. Doing it again changes nothing. */
  fillIn(media: Media): Promise<Placeholder | null> {
    const underWay = this.#made.get(media.id);
    if (underWay) return underWay;
    const making = this.#make(media);
    this.#made.set(media.id, making);
    return making;
  }

  /** A blur of the picture, for `<img src>`. */
  toDataUrl(thumbHash: string): Promise<string> {
    return this.#urls.get(thumbHash) ?? this.#render(thumbHash);
  }

  #render(thumbHash: string): Promise<string> {
    const url = renderThumbHash(thumbHash);
    this.#urls.set(thumbHash, url);
    url.catch(() => this.#urls.delete(thumbHash));
    return url;
  }

  async #make(media: Media): Promise<Placeholder | null> {
    try {
      const made = await this.#work.run(0, async () => {
        const original = await this.storage.read(media.objectKey, objectSizeOf(media));
        if (!original) return null;
        const memoryBytes = await readMemoryBytes(original);
        return this.pictures.run(memoryBytes, () => redrawThumbnail(original, media.look));
      });
      if (!made) return null;
      const { thumbHash, dominantColor } = made;
      await this.media.setPlaceholder(media.id, { thumbHash, dominantColor });
      media.placeholder = { thumbHash, dominantColor };
      this.#made.delete(media.id);
      return media.placeholder;
    } catch (error) {
      const isForGood = error instanceof AppError && error.status < 500;
      if (!isForGood) this.#made.delete(media.id);
      this.log.warn({ err: error, mediaId: media.id }, "a picture's placeholder could not be made");
      return null;
    }
  }
}
