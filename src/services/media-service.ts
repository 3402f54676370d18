// Finds pictures and their bytes. Called by the media route for every view, and by the GraphQL loaders.
import type { FastifyBaseLogger } from "fastify";

import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf, type Media } from "../domain/media.ts";
import { isAllowedContentType } from "../domain/picture-format.ts";
import type { Rendition } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import type { ObjectCache } from "../storage/object-cache.ts";
import { assertSize, keepBytes, type LentBytes, type ObjectStorage } from "../storage/object-storage.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import type { MediaCache } from "./media-cache.ts";
import { describePicture, keyOf, type Picture } from "./picture.ts";
import type { Renditions } from "./renditions.ts";

export type { LentBytes };

/** A picture that was just read. */
export interface FoundMedia {
  media: Media;
  viewCount: number;
}

export class MediaService {
  readonly #pictures = new WeakMap<Media, Map<string, Picture>>();

  constructor(
    readonly counts: ViewCountRepository,
    readonly mediaCache: MediaCache,
    readonly storage: ObjectStorage,
    readonly renditions: Renditions,
    readonly objectCache: ObjectCache,
    readonly views: ViewCounter,
    readonly log: FastifyBaseLogger,
  ) {}

  /** The picture, if its record is in memory. */
  peekPicture(id: MediaId, rendition: Rendition): Picture | undefined {
    const media = this.mediaCache.peek(id);
    return media && this.#toPicture(media, rendition);
  }

  /** @throws MEDIA_NOT_FOUND when there is no such picture, or not any more */
  async getPicture(id: MediaId, rendition: Rendition): Promise<Picture> {
    const media = await this.mediaCache.find(id);
    const picture = media && this.#toPicture(media, rendition);
    if (!picture) throw mediaNotFound();
    return picture;
  }

  /** The bytes, if they are in memory. */
  peekBytes({ key }: Picture): Buffer | undefined {
    return this.objectCache.peek(key);
  }

  /**
   * @param client who asks, for its share of the work where a square has to be made
   * @throws MEDIA_NOT_FOUND when the bytes are missing, STORAGE_UNAVAILABLE
   * @throws OVERLOADED, IMAGE_TOO_COMPLEX where a square has to be made first
   */
  async readBytes(picture: Picture, client: string): Promise<Buffer> {
    const { key, media, square } = picture;
    if (!square) return this.readStored(picture);
    const bytes = await this.objectCache.read(key, () => this.renditions.read(media, square, client));
    if (!bytes) throw this.#missingObject(picture);
    await this.#assertVisible(media.id);
    return bytes;
  }

  /** The bytes of an original or a thumbnail. @throws MEDIA_NOT_FOUND when they are missing, STORAGE_UNAVAILABLE */
  async readStored(picture: Picture): Promise<Buffer> {
    const bytes = await this.storage.read(picture.objectKey, expectedSizeOf(picture));
    if (!bytes) throw this.#missingObject(picture);
    await this.#assertVisible(picture.media.id);
    return bytes;
  }

  /** Bytes that are stored as they are, to be sent and forgotten. @throws as `readBytes` */
  async lendBytes(picture: Picture): Promise<LentBytes> {
    const { media, objectKey } = picture;
    const isOriginal = objectKey === media.objectKey;
    if (!isOriginal) return keepBytes(await this.readStored(picture));
    const lent = await this.storage.lend(objectKey, expectedSizeOf(picture));
    if (!lent) throw this.#missingObject(picture);
    try {
      await this.#assertVisible(media.id);
      return lent;
    } catch (error) {
      lent.giveBack(true);
      throw error;
    }
  }

  /** Reading it may have taken long enough for somebody to delete the picture, and for the edge to be purged. */
  async #assertVisible(id: MediaId): Promise<void> {
    if (!(await this.mediaCache.find(id))) throw mediaNotFound();
  }

  /**
   * Where clients can fetch the bytes themselves, for a minute; null where they cannot.
   *
   * @throws MEDIA_NOT_FOUND when somebody has hidden the picture meanwhile, STORAGE_UNAVAILABLE
   */
  async sign(picture: Picture, contentDisposition: string): Promise<string | null> {
    const { media, square, objectKey, contentType } = picture;
    const headers = { contentType, contentDisposition };
    const url = square ? null : await this.storage.sign(objectKey, headers, expectedSizeOf(picture));
    if (url !== null) await this.#assertVisible(media.id);
    return url;
  }

  /** @throws as `readBytes` */
  async getSizeBytes(picture: Picture, client: string): Promise<number> {
    if (picture.square) return (await this.readBytes(picture, client)).length;
    const found = await this.storage.stat(picture.objectKey, expectedSizeOf(picture));
    if (!found) throw this.#missingObject(picture);
    assertSize(picture.objectKey, found.sizeBytes, expectedSizeOf(picture));
    await this.#assertVisible(picture.media.id);
    return found.sizeBytes;
  }

  /** A visible picture, if its record is in memory. How often it was viewed is not. */
  peek(id: MediaId): Media | undefined {
    const media = this.mediaCache.peek(id);
    return media && isAllowedContentType(media.contentType) ? media : undefined;
  }

  async isVisible(id: MediaId): Promise<boolean> {
    const media = await this.mediaCache.find(id);
    return media !== null && isAllowedContentType(media.contentType);
  }

  /** Visible pictures in no particular order, with every view that was counted so far. One query. */
  async findManyByIds(ids: readonly MediaId[]): Promise<FoundMedia[]> {
    const countLacking = this.views.beforeReading();
    const found = await this.mediaCache.read(ids);
    return found
      .filter(({ contentType }) => isAllowedContentType(contentType))
      .map((media) => ({ media, viewCount: media.viewCount + countLacking(media) }));
  }

  /** How often each picture was viewed, with every view that was counted so far. One query. */
  async countViews(ids: readonly MediaId[]): Promise<{ id: MediaId; viewCount: number }[]> {
    const countLacking = this.views.beforeReading();
    const counts = await this.counts.findMany(ids);
    return counts.map((count) => ({ id: count.id, viewCount: count.viewCount + countLacking(count) }));
  }

  #toPicture(media: Media, rendition: Rendition): Picture | undefined {
    // LetsApp keeps other attachments in the same collection: those are not for everybody.
    if (!isAllowedContentType(media.contentType)) return undefined;
    const pictures = this.#pictures.get(media) ?? new Map<string, Picture>();
    const key = keyOf(rendition);
    const picture = pictures.get(key) ?? describePicture(media, rendition);
    this.#pictures.set(media, pictures.set(key, picture));
    return picture;
  }

  #missingObject({ media, objectKey }: Picture): AppError {
    this.log.error({ mediaId: media.id, objectKey }, "a record's object is missing from the storage");
    return mediaNotFound();
  }
}

/** Thumbnails' are not recorded. */
function expectedSizeOf({ media, objectKey }: Picture): number | null {
  return objectKey === media.objectKey ? objectSizeOf(media) : null;
}

export function mediaNotFound(): AppError {
  return new AppError("MEDIA_NOT_FOUND", "There is no such picture.");
}
