// What is shown before a picture has come. It is made at the upload; a record of an earlier time lacks it, and gets it
// when somebody asks. Called by `graphql/media.resolver.ts`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { BoundedCache } from "../runtime/bounded-cache.ts";
import type { MediaId } from "../domain/ids.ts";
import type { Media, Placeholder } from "../domain/media.ts";
import { AppError } from "../errors.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { workOnOriginal } from "./original-work.ts";

/** A blur has 32 pixels on its longer side. */
const BLUR_MEMORY_BYTES = 100_000;

/** Of each kind in memory. */
const MAX_COUNT = 10_000;

export class Placeholders {
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

  /** A blur of the picture, for `<img src>`. @param client who asks, for its share of the work @throws OVERLOADED */
  toDataUrl(thumbHash: string, client: string): Promise<string> {
    return this.#urls.get(thumbHash) ?? this.#render(thumbHash, client);
  }

  #render(thumbHash: string, client: string): Promise<string> {
    const url = this.pictures.run("placeholders", client, async () => ({
      memoryBytes: BLUR_MEMORY_BYTES,
      task: "renderThumbHash",
      args: [thumbHash],
    })) as Promise<string>;
    this.#urls.set(thumbHash, url);
    url.catch(() => this.#urls.delete(thumbHash));
    return url;
  }

  async #redraw(media: Media): Promise<Placeholder | null> {
    return this.pictures.run("placeholders", media.id, () =>
      workOnOriginal("redrawThumbnail", media, this.storage),
    );
  }

  async #make(media: Media): Promise<Placeholder | null> {
    try {
      const made = await this.#redraw(media);
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
