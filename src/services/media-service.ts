// Finds visible pictures, reads their bytes, and reports their view counts.
import type { FastifyBaseLogger } from "fastify";

import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf, type Media } from "../domain/media.ts";
import { isAllowedContentType } from "../domain/picture-format.ts";
import type { Rendition } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { Cache } from "../runtime/cache.ts";
import type { ObjectCache } from "../storage/object-cache.ts";
import { assertSize, keepBytes, type LentBytes, type ObjectStorage } from "../storage/object-storage.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import type { MediaCache } from "./media-cache.ts";
import { describePicture, keyOf, type Picture } from "./picture.ts";
import type { Renditions } from "./renditions.ts";

export type { LentBytes };

/** A picture that was just read from the database, with its complete view count. */
export interface FoundMedia {
  media: Media;
  viewCount: number;
}

const MAX_PICTURE_COUNT = 20_000;

export class MediaService {
  /** A record may be requested in 110 forms, so the forms have their own limit. Each takes about a kilobyte. */
  readonly #pictures = new Cache<string, Picture>({ maxWeight: MAX_PICTURE_COUNT });

  constructor(
    readonly counts: ViewCountRepository,
    readonly mediaCache: MediaCache,
    readonly storage: ObjectStorage,
    readonly renditions: Renditions,
    readonly objectCache: ObjectCache,
    readonly views: ViewCounter,
    readonly log: FastifyBaseLogger,
  ) {}

  /** Returns the picture if its record is in memory and the change feed is up to date. */
  peekPicture(id: MediaId, rendition: Rendition): Picture | undefined {
    const media = this.mediaCache.peek(id);
    return media && this.#toPicture(media, rendition);
  }

  /** Returns null when the picture does not exist or is hidden. */
  async findPicture(id: MediaId, rendition: Rendition): Promise<Picture | null> {
    const media = await this.mediaCache.find(id);
    return (media && this.#toPicture(media, rendition)) ?? null;
  }

  /** @throws MEDIA_NOT_FOUND when the picture does not exist or is hidden */
  async getPicture(id: MediaId, rendition: Rendition): Promise<Picture> {
    const picture = await this.findPicture(id, rendition);
    if (!picture) throw mediaNotFound();
    return picture;
  }

  /** Returns the bytes if they are in memory. */
  peekBytes({ key }: Picture): Buffer | undefined {
    return this.objectCache.peek(key);
  }

  /**
   * Reads the bytes of an original, a thumbnail or a square.
   *
   * @param client a user's id, or a network address: clients take turns when squares have to be made
   * @throws MEDIA_NOT_FOUND when the bytes are missing or the picture was hidden, STORAGE_UNAVAILABLE
   * @throws OVERLOADED, IMAGE_TOO_COMPLEX, UNREADABLE_IMAGE when a square has to be made first
   */
  async readBytes(picture: Picture, client: string): Promise<Buffer> {
    const { key, media, square } = picture;
    if (!square) return this.readStored(picture);
    const bytes = await this.objectCache.read(key, () => this.renditions.read(media, square, client));
    if (!bytes) throw this.#missingObject(picture);
    await this.#assertVisible(media.id);
    return bytes;
  }

  /** Reads the bytes of an original or a thumbnail. @throws MEDIA_NOT_FOUND as `readBytes`, STORAGE_UNAVAILABLE */
  async readStored(picture: Picture): Promise<Buffer> {
    const bytes = await this.storage.read(picture.objectKey, expectedSizeOf(picture));
    if (!bytes) throw this.#missingObject(picture);
    await this.#assertVisible(picture.media.id);
    return bytes;
  }

  /** As `readStored`, for bytes that the caller gives back after it has sent them. */
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

  /** Checks again after a read: the picture may have been deleted and purged from the CDN since the first check. */
  async #assertVisible(id: MediaId): Promise<void> {
    if (!(await this.mediaCache.find(id))) throw mediaNotFound();
  }

  /**
   * Returns a URL from which clients can fetch the bytes for `SIGNED_SECONDS`. Returns null for a square, and when the
   * storage cannot sign URLs.
   *
   * @throws MEDIA_NOT_FOUND when the picture was hidden, STORAGE_UNAVAILABLE
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

  /**
   * Returns a visible picture if its record is in memory and the change feed is up to date. Its view count may be
   * outdated.
   */
  peek(id: MediaId): Media | undefined {
    const media = this.mediaCache.peek(id);
    return media && isAllowedContentType(media.contentType) ? media : undefined;
  }

  /** Reads visible pictures with one query, in no particular order. Includes views that are not in the records yet. */
  async findManyByIds(ids: readonly MediaId[]): Promise<FoundMedia[]> {
    const countLacking = this.views.beforeReading();
    const found = await this.mediaCache.read(ids);
    return found
      .filter(({ contentType }) => isAllowedContentType(contentType))
      .map((media) => ({ media, viewCount: media.viewCount + countLacking(media) }));
  }

  /** Reads view counts with one query. Includes views that are not in the records yet. */
  async findViewCounts(ids: readonly MediaId[]): Promise<{ id: MediaId; viewCount: number }[]> {
    const countLacking = this.views.beforeReading();
    const counts = await this.counts.findMany(ids);
    return counts.map((count) => ({ id: count.id, viewCount: count.viewCount + countLacking(count) }));
  }

  #toPicture(media: Media, rendition: Rendition): Picture | undefined {
    // LetsApp keeps other attachments in the same collection, and these are not public.
    if (!isAllowedContentType(media.contentType)) return undefined;
    const key = `${media.id} ${keyOf(rendition)}`;
    const known = this.#pictures.get(key);
    if (known?.media === media) return known; // A picture belongs to one reading of its record.
    const picture = describePicture(media, rendition);
    this.#pictures.set(key, picture);
    return picture;
  }

  #missingObject({ media, objectKey }: Picture): AppError {
    this.log.error({ mediaId: media.id, objectKey }, "a record's object is missing from the storage");
    return mediaNotFound();
  }
}

/** The size of the object in bytes according to the record. Null for a thumbnail, whose size is not recorded. */
function expectedSizeOf({ media, objectKey }: Picture): number | null {
  return objectKey === media.objectKey ? objectSizeOf(media) : null;
}

export function mediaNotFound(): AppError {
  return new AppError("MEDIA_NOT_FOUND", "There is no such picture.");
}
