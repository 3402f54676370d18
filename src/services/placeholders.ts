// What is shown before a picture has come. It is made at the upload; a record of an earlier time lacks it, and gets it
// when somebody asks. Called by `graphql/media.resolver.ts`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache } from "../runtime/cache.ts";
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

interface Making {
  placeholder: Placeholder | null;
  /** True when a second try would fail as well. */
  isImpossible: boolean;
}

export class Placeholders {
  /** Stores only failures that would happen again, so that they are not tried again. */
  readonly #made = new Cache<MediaId, Making>({
    maxWeight: MAX_COUNT,
    isStored: ({ isImpossible }) => isImpossible,
  });

  readonly #urls = new Cache<string, string>({ maxWeight: MAX_COUNT });

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly pictureMaker: Pick<PictureMaker, "run">,
    readonly log: FastifyBaseLogger,
  ) {}

  /** The placeholder; null while it is being made, or where it cannot be. */
  find(media: Media): Placeholder | null {
    if (!media.placeholder) void this.fillIn(media);
    return media.placeholder;
  }

  /** Makes what a record lacks. Doing it again changes nothing. */
  async fillIn(media: Media): Promise<Placeholder | null> {
    return (await this.#made.load(media.id, () => this.#make(media))).placeholder;
  }

  /** A blur of the picture, for `<img src>`. @param client who asks, for its share of the work @throws OVERLOADED */
  toDataUrl(thumbHash: string, client: string): Promise<string> {
    return this.#urls.load(thumbHash, () => this.#render(thumbHash, client));
  }

  #render(thumbHash: string, client: string): Promise<string> {
    return this.pictureMaker.run("placeholders", client, async () => ({
      memoryBytes: BLUR_MEMORY_BYTES,
      task: "renderThumbHash",
      args: [thumbHash],
    })) as Promise<string>;
  }

  async #redraw(media: Media): Promise<Placeholder | null> {
    return this.pictureMaker.run("placeholders", media.id, () =>
      workOnOriginal("redrawThumbnail", media, this.storage),
    );
  }

  async #make(media: Media): Promise<Making> {
    try {
      const made = await this.#redraw(media);
      if (!made) return { placeholder: null, isImpossible: true };
      const { thumbHash, dominantColor } = made;
      await this.media.setPlaceholder(media.id, { thumbHash, dominantColor });
      media.placeholder = { thumbHash, dominantColor };
      return { placeholder: media.placeholder, isImpossible: false };
    } catch (error) {
      this.log.warn({ err: error, mediaId: media.id }, "a picture's placeholder could not be made");
      return { placeholder: null, isImpossible: error instanceof AppError && error.status < 500 };
    }
  }
}
