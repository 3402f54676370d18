// Squares of pictures in the sizes and formats that screens want: made when they are first asked for, then kept on the
// disk and, where they are asked for often, in memory. Called by `media-service.ts`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache } from "../runtime/cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf, type Media } from "../domain/media.ts";
import type { RenditionFormat, PictureSize } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { readMovingMemoryBytes, SQUARE_MEMORY_BYTES } from "../images/cost.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { RenditionFolder } from "../storage/rendition-folder.ts";
import { workOnOriginal } from "./original-work.ts";

/** To be raised whenever other bytes come of the same picture: it stands in names and in entity tags. */
export const RENDITION_VERSION = 1;

/** What cannot be made is not tried again for so long. */
const FAILURE_MS = 60_000;
const MAX_FAILURE_COUNT = 10_000;

/** Ids in one query. */
const BATCH_COUNT = 1000;

export interface SquareForm {
  sidePx: PictureSize;
  format: RenditionFormat;
  isAnimated: boolean;
}

/** The name of a square among those of its picture. */
export function renditionNameOf({ sidePx, format, isAnimated }: SquareForm): string {
  return `${sidePx}${isAnimated ? "-animated" : ""}-v${RENDITION_VERSION}.${format}`;
}

/** A page asks for a picture in several sizes one after another. A master is lossless: half a megabyte of a photograph. */
const MASTERS_BYTES = 32 * 1024 * 1024;

export class Renditions {
  readonly #failures = new Cache<string, AppError>({ maxWeight: MAX_FAILURE_COUNT, maxAgeMs: FAILURE_MS });
  readonly #masters = new Cache<MediaId, Buffer | null>({
    maxWeight: MASTERS_BYTES,
    weightOf: (master) => master?.length ?? 0,
  });

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly folder: RenditionFolder,
    readonly pictureMaker: Pick<PictureMaker, "run">,
    readonly log: FastifyBaseLogger,
  ) {}

  get memoryBytes(): number {
    return this.#masters.state.weight;
  }

  /** Finds what an earlier process has left. */
  async start(): Promise<void> {
    try {
      await this.folder.open();
      await this.review();
    } catch (error) {
      this.log.error({ err: error }, "the squares of an earlier process could not be looked for");
    }
  }

  /** Removes all of pictures that were hidden while nobody told. */
  async review(): Promise<void> {
    try {
      const ids = [...new Set([...this.folder.ids(), ...this.#masters.keys()])];
      for (let start = 0; start < ids.length; start += BATCH_COUNT) {
        const some = ids.slice(start, start + BATCH_COUNT);
        const visible = new Set(await this.media.findVisibleIds(some));
        for (const id of some) if (!visible.has(id)) await this.forget(id);
      }
    } catch (error) {
      this.log.error({ err: error }, "squares of deleted pictures could not be looked for");
    }
  }

  /**
   * @param client who asks, for its share of the work: a user's id, or a network address
   * @returns null when the original's bytes are missing
   * @throws OVERLOADED, IMAGE_TOO_COMPLEX, STORAGE_UNAVAILABLE; UNREADABLE_IMAGE for a damaged original
   */
  async read(media: Media, square: SquareForm, client: string): Promise<Buffer | null> {
    const name = renditionNameOf(square);
    const kept = await this.#readKept(media.id, name);
    if (kept) return kept;
    const made = await this.#rememberingFailure(`${media.id}/${name}`, () =>
      square.isAnimated ? this.#animate(media, square, client) : this.#draw(media, square, client),
    );
    if (made) await this.#keep(media.id, name, made);
    return made;
  }

  /** Nobody may see the picture any more. */
  async forget(id: MediaId): Promise<void> {
    this.#masters.delete(id);
    try {
      await this.folder.remove(id);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "squares of a deleted picture could not be removed");
    }
  }

  async #draw(media: Media, { sidePx, format }: SquareForm, client: string): Promise<Buffer | null> {
    const master = await this.#readMaster(media, client);
    if (!master) return null;
    return this.pictureMaker.run("squares", client, async () => ({
      memoryBytes: SQUARE_MEMORY_BYTES,
      task: "drawSquare",
      args: [master, sidePx, format],
    }));
  }

  /** What does not move, or is too much to move, stands still. */
  async #animate(media: Media, square: SquareForm, client: string): Promise<Buffer | null> {
    let isStill = false;
    const animation = await this.pictureMaker.run("animations", client, async () => {
      const original = await this.storage.read(media.objectKey, objectSizeOf(media));
      const memoryBytes = original && (await readMovingMemoryBytes(original));
      isStill = memoryBytes === null;
      return original && memoryBytes !== null
        ? { memoryBytes, task: "drawAnimation", args: [original, square.sidePx, media.look] }
        : null;
    });
    return isStill ? this.#draw(media, square, client) : animation;
  }

  async #rememberingFailure<Result>(key: string, make: () => Promise<Result>): Promise<Result> {
    const failure = this.#failures.get(key);
    if (failure) throw failure;
    try {
      return await make();
    } catch (error) {
      if (error instanceof AppError && error.status < 500) this.#failures.set(key, error);
      throw error;
    }
  }

  /** However many squares are asked for at once, the original is decoded once. */
  #readMaster(media: Media, client: string): Promise<Buffer | null> {
    return this.#masters.load(media.id, () =>
      this.pictureMaker.run("squares", client, () => workOnOriginal("drawMaster", media, this.storage)),
    );
  }

  /** Where the disk fails, it is made again. */
  async #readKept(id: MediaId, name: string): Promise<Buffer | null> {
    try {
      return await this.folder.read(id, name);
    } catch (error) {
      this.log.error(
        { err: error, mediaId: id },
        "a square of a picture could not be read, and is made again",
      );
      return null;
    }
  }

  /** It is shown in any case. A picture that was deleted meanwhile leaves nothing behind. */
  async #keep(id: MediaId, name: string, bytes: Buffer): Promise<void> {
    try {
      await this.folder.write(id, name, bytes);
      const [isVisible] = await this.media.findVisibleIds([id]);
      if (!isVisible) await this.folder.remove(id);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "a square of a picture could not be kept");
    }
  }
}
