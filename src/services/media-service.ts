// Finds pictures and their bytes. Called by the media route for every view, and by the GraphQL loaders.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { Media } from "../domain/media.ts";
import { extensionOf, isAllowedContentType } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import type { HotStorage } from "../storage/hot-storage.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import type { KnownMedia } from "./known-media.ts";

export type PictureVariant = "original" | "thumbnail";

/** What a client is told of a picture's bytes before it gets them. The same object for as long as it is known. */
export interface Picture {
  mediaId: MediaId;
  objectKey: string;
  contentType: string;
  /** As the user's file was called. */
  filename: string;
  /** Of the true type, with its dot. */
  extension: string;
  /** Quoted, as in the header: the bytes under one id and variant never change. */
  etag: string;
  lastModified: Date;
}

/** A picture that was just read. */
export interface FoundMedia {
  media: Media;
  viewCount: number;
}

export class MediaService {
  readonly #pictures = new WeakMap<Media, Map<PictureVariant, Picture>>();

  constructor(
    readonly media: MediaRepository,
    readonly known: KnownMedia,
    readonly storage: HotStorage,
    readonly views: ViewCounter,
    readonly log: FastifyBaseLogger,
  ) {}

  /** The picture, if it is known without a query. */
  peekPicture(id: MediaId, variant: PictureVariant): Picture | undefined {
    const media = this.known.peek(id);
    return media && this.#toPicture(media, variant);
  }

  /** @throws MEDIA_NOT_FOUND when there is no such picture, or not any more */
  async getPicture(id: MediaId, variant: PictureVariant): Promise<Picture> {
    const media = await this.known.find(id);
    const picture = media && this.#toPicture(media, variant);
    if (!picture) throw mediaNotFound();
    return picture;
  }

  /** The bytes, if they are in memory. */
  peekBytes(picture: Picture): Buffer | undefined {
    return this.storage.peek(picture.objectKey);
  }

  /** @throws MEDIA_NOT_FOUND when the bytes are missing, STORAGE_UNAVAILABLE */
  async readBytes(picture: Picture): Promise<Buffer> {
    const bytes = await this.storage.read(picture.objectKey);
    if (!bytes) throw this.#missingObject(picture);
    return bytes;
  }

  /** @throws MEDIA_NOT_FOUND when the bytes are missing, STORAGE_UNAVAILABLE */
  async getSizeBytes(picture: Picture): Promise<number> {
    const found = await this.storage.stat(picture.objectKey);
    if (!found) throw this.#missingObject(picture);
    return found.sizeBytes;
  }

  /** A visible picture, if it is known without a query. How often it was viewed is not. */
  peek(id: MediaId): Media | undefined {
    const media = this.known.peek(id);
    return media && isAllowedContentType(media.contentType) ? media : undefined;
  }

  /** Visible pictures in no particular order, with every view that was counted so far. One query. */
  async findManyByIds(ids: readonly MediaId[]): Promise<FoundMedia[]> {
    const countLacking = this.views.beforeReading();
    const found = await this.known.read(ids);
    return found
      .filter(({ contentType }) => isAllowedContentType(contentType))
      .map((media) => ({ media, viewCount: media.viewCount + countLacking(media) }));
  }

  /** How often each picture was viewed, with every view that was counted so far. One query. */
  async countViews(ids: readonly MediaId[]): Promise<{ id: MediaId; viewCount: number }[]> {
    const countLacking = this.views.beforeReading();
    const counts = await this.media.findViewCounts(ids);
    return counts.map((count) => ({ id: count.id, viewCount: count.viewCount + countLacking(count) }));
  }

  #toPicture(media: Media, variant: PictureVariant): Picture | undefined {
    // LetsApp keeps other attachments in the same collection: those are not for everybody.
    if (!isAllowedContentType(media.contentType)) return undefined;
    const pictures = this.#pictures.get(media) ?? new Map<PictureVariant, Picture>();
    const picture = pictures.get(variant) ?? describe(media, variant);
    this.#pictures.set(media, pictures.set(variant, picture));
    return picture;
  }

  #missingObject({ mediaId, objectKey }: Picture): AppError {
    this.log.error({ mediaId, objectKey }, "a record's object is missing from the storage");
    return mediaNotFound();
  }
}

function describe(media: Media, variant: PictureVariant): Picture {
  const isThumbnail = variant === "thumbnail";
  return {
    mediaId: media.id,
    objectKey: isThumbnail ? media.thumbnailKey : media.objectKey,
    contentType: media.contentType,
    filename: isThumbnail ? `thumb_${media.originalFilename}` : media.originalFilename,
    extension: extensionOf(media.contentType),
    etag: `"${media.etag ?? media.id}${isThumbnail ? "-thumbnail" : ""}"`,
    lastModified: media.createdAt,
  };
}

function mediaNotFound(): AppError {
  return new AppError("MEDIA_NOT_FOUND", "There is no such picture.");
}
