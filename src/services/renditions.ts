// Squares of pictures in the sizes and formats that screens want: made when they are first asked for, then kept on the
// disk and, where they are asked for often, in memory. Called by `media-service.ts`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { Media } from "../domain/media.ts";
import type { RenditionFormat, PictureSize } from "../domain/rendition.ts";
import { WorkQueue } from "../domain/work-queue.ts";
import { drawAnimation, drawMaster, drawSquare } from "../images/rendition.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { RenditionFolder } from "../storage/rendition-folder.ts";

/** To be raised whenever other bytes come of the same picture: it stands in names and in entity tags. */
export const RENDITION_VERSION = 1;

/** So that uploads, files and passwords always find a thread of the four. */
const workLimits = { maxConcurrent: 1, maxWaiting: 64, maxWaitMs: 8_000, maxMemoryBytes: Infinity };

/** Ids in one query. */
const BATCH_COUNT = 1000;

export interface Square {
  sidePx: PictureSize;
  format: RenditionFormat;
  isAnimated: boolean;
}

/** The name of a square among those of its picture. */
export function nameOf({ sidePx, format, isAnimated }: Square): string {
  return `${sidePx}${isAnimated ? "-animated" : ""}-v${RENDITION_VERSION}.${format}`;
}

const MASTER_NAME = `master-v${RENDITION_VERSION}.png`;

export class Renditions {
  readonly #work = new WorkQueue("pictures", workLimits);
  readonly #masters = new Map<MediaId, Promise<Buffer | null>>();

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly folder: RenditionFolder,
    readonly log: FastifyBaseLogger,
  ) {}

  get state(): { running: number; waiting: number } {
    return this.#work.state;
  }

  /** Removes what an earlier process has left of pictures that nobody may see any more. */
  async start(): Promise<void> {
    const ids = await this.folder.open();
    for (let start = 0; start < ids.length; start += BATCH_COUNT) {
      const some = ids.slice(start, start + BATCH_COUNT);
      const visible = new Set(await this.media.findVisibleIds(some));
      for (const id of some) if (!visible.has(id)) await this.folder.remove(id);
    }
  }

  /**
   * @returns null when the original's bytes are missing
   * @throws OVERLOADED, IMAGE_TOO_COMPLEX, STORAGE_UNAVAILABLE; UNREADABLE_IMAGE for a damaged original
   */
  async read(media: Media, square: Square): Promise<Buffer | null> {
    const name = nameOf(square);
    const kept = await this.#readKept(media.id, name);
    if (kept) return kept;
    const made = square.isAnimated ? await this.#animate(media, square) : await this.#draw(media, square);
    if (made) await this.#keep(media.id, name, made);
    return made;
  }

  /** Nobody may see the picture any more. */
  async forget(id: MediaId): Promise<void> {
    try {
      await this.folder.remove(id);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "squares of a deleted picture could not be removed");
    }
  }

  async #draw(media: Media, { sidePx, format }: Square): Promise<Buffer | null> {
    const master = await this.#readMaster(media);
    return master && this.#work.run(0, () => drawSquare(master, sidePx, format));
  }

  async #animate({ objectKey, look }: Media, { sidePx }: Square): Promise<Buffer | null> {
    const original = await this.storage.read(objectKey);
    return original && this.#work.run(0, () => drawAnimation(original, sidePx, look));
  }

  /** However many squares are asked for at once, the original is decoded once. */
  #readMaster(media: Media): Promise<Buffer | null> {
    const underWay = this.#masters.get(media.id);
    if (underWay) return underWay;
    const reading = this.#readOrMakeMaster(media).finally(() => this.#masters.delete(media.id));
    this.#masters.set(media.id, reading);
    return reading;
  }

  async #readOrMakeMaster({ id, objectKey, look }: Media): Promise<Buffer | null> {
    const kept = await this.#readKept(id, MASTER_NAME);
    if (kept) return kept;
    const original = await this.storage.read(objectKey);
    if (!original) return null;
    const master = await this.#work.run(0, () => drawMaster(original, look));
    await this.#keep(id, MASTER_NAME, master);
    return master;
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
