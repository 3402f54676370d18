// What a client is told of a picture in one of its forms, before it gets the bytes. Made by `media-service.ts`.
import type { Media } from "../domain/media.ts";
import { extensionOf } from "../domain/picture-format.ts";
import type { Rendition, RenditionFormat } from "../domain/rendition.ts";
import { renditionNameOf, type SquareForm } from "./renditions.ts";

/** The same object for as long as its media is known. */
export interface Picture {
  media: Media;
  /** Under which its bytes are kept in memory. */
  key: string;
  /** Of the original or the thumbnail; of a square the original's. */
  objectKey: string;
  /** What is to be made, where it is not stored as it is. */
  square: SquareForm | null;
  contentType: string;
  /** As the user's file was called. */
  filename: string;
  /** Of the true type, with its dot. */
  extension: string;
  /** Quoted, as in the header: the bytes under one address never change. */
  etag: string;
  lastModified: Date;
  /** Whether another client might get another format from the same address. */
  isNegotiated: boolean;
}

/** Tells the forms of one picture apart. */
export function keyOf(rendition: Rendition): string {
  if (rendition.kind !== "square") return rendition.kind;
  const { sidePx, format, isAnimated, isNegotiated } = rendition;
  return `${sidePx} ${format} ${isAnimated} ${isNegotiated}`;
}

export function describePicture(media: Media, rendition: Rendition): Picture {
  return rendition.kind === "square"
    ? describeSquare(media, rendition)
    : describeStored(media, rendition.kind);
}

function describeStored(media: Media, kind: "original" | "thumbnail"): Picture {
  const isThumbnail = kind === "thumbnail";
  const objectKey = isThumbnail ? media.thumbnailKey : media.objectKey;
  return {
    media,
    key: objectKey,
    objectKey,
    square: null,
    contentType: media.contentType,
    filename: isThumbnail ? `thumb_${media.originalFilename}` : media.originalFilename,
    extension: extensionOf(media.contentType),
    etag: `"${media.etag ?? media.id}${isThumbnail ? "-thumbnail" : ""}"`,
    lastModified: media.createdAt,
    isNegotiated: false,
  };
}

function describeSquare(media: Media, rendition: Extract<Rendition, { kind: "square" }>): Picture {
  const { sidePx, isAnimated, isNegotiated } = rendition;
  const format = rendition.format ?? nearestFormat(media, isAnimated);
  const square: SquareForm = { sidePx, format, isAnimated };
  const name = renditionNameOf(square);
  return {
    media,
    key: `${media.id}/${name}`,
    objectKey: media.objectKey,
    square,
    contentType: `image/${format}`,
    filename: `${sidePx}_${media.originalFilename}`,
    extension: format === "jpeg" ? ".jpg" : `.${format}`,
    etag: `"${media.etag ?? media.id}-${name}"`,
    lastModified: media.createdAt,
    isNegotiated,
  };
}

/** What any client understands. An animation is WebP in any case: nothing else that is made here moves. */
function nearestFormat({ contentType }: Media, isAnimated: boolean): RenditionFormat {
  if (isAnimated) return "webp";
  return contentType === "image/jpeg" ? "jpeg" : "png";
}
