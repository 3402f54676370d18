// Finds placeholders, which clients show until a picture has loaded. The upload makes them. An older record without a
// placeholder gets one when a client first requests it.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache } from "../runtime/cache.ts";
import type { MediaId } from "../domain/ids.ts";
import type { Media, Placeholder } from "../domain/media.ts";
import { AppError } from "../errors.ts";
import { latestStartMs, type PictureMaker, type Work } from "../images/picture-maker.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { prepareOriginalWork } from "./original-work.ts";

/** Memory to draw a blurred image, whose longer side has 32 pixels. */
const BLUR_MEMORY_BYTES = 100_000;

/** Entries in each of the two caches. */
const MAX_COUNT = 10_000;

interface Making {
  placeholder: Placeholder | null;
  /** True when another try would fail as well. */
  isImpossible: boolean;
}

export class Placeholders {
  /** Stores only failures that would happen again, so that the work is not repeated. */
  readonly #made = new Cache<MediaId, Making>({
    maxWeight: MAX_COUNT,
    shouldStore: ({ isImpossible }) => isImpossible,
  });

  readonly #urls = new Cache<string, string>({ maxWeight: MAX_COUNT });

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly pictureMaker: Pick<PictureMaker, "run">,
    readonly log: FastifyBaseLogger,
  ) {}

  /** Returns the placeholder; null until it is made, or if it cannot be made. Starts to make a missing one. */
  find(media: Media): Placeholder | null {
    if (!media.placeholder) void this.fillIn(media);
    return media.placeholder;
  }

  /** Makes and stores a missing placeholder. Returns null if it cannot be made. Repeating it has no further effect. */
  async fillIn(media: Media): Promise<Placeholder | null> {
    return (await this.#made.load(media.id, () => this.#make(media))).placeholder;
  }

  /**
   * Returns a blurred version of the picture as a data URL.
   *
   * @param client a user's id, or a network address: clients take turns at image work
   * @throws OVERLOADED
   */
  toDataUrl(thumbHash: string, client: string): Promise<string> {
    return this.#urls.load(thumbHash, () => this.#render(thumbHash, client));
  }

  #render(thumbHash: string, client: string): Promise<string> {
    const prepare = async (): Promise<Work<"renderThumbHash">> => ({
      memoryBytes: BLUR_MEMORY_BYTES,
      task: "renderThumbHash",
      args: [thumbHash],
    });
    // Missing placeholders of this kind may wait longer, but here a request is waiting.
    return this.pictureMaker.run("placeholders", client, prepare, latestStartMs()) as Promise<string>;
  }

  async #redraw(media: Media): Promise<Placeholder | null> {
    return this.pictureMaker.run("placeholders", media.id, () =>
      prepareOriginalWork("redrawThumbnail", media, this.storage),
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
      this.log.warn({ err: error, mediaId: media.id }, "could not make the placeholder of a picture");
      return { placeholder: null, isImpossible: error instanceof AppError && error.status < 500 };
    }
  }
}
