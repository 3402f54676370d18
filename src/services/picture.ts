// Describes one form of a picture (original, thumbnail or square): where its bytes are, and what its headers say.
import type { Media } from "../domain/media.ts";
import { extensionOf } from "../domain/picture-format.ts";
import type { Rendition, RenditionFormat } from "../domain/rendition.ts";
import { renditionNameOf, type SquareForm } from "./renditions.ts";

/**
 * A form of a picture: its original, its thumbnail or a square. The object stays the same while the record of its
 * media is in memory.
 */
export interface Picture {
  media: Media;
  /** The key of its bytes in the memory cache. */
  key: string;
  /** The object key of the original or the thumbnail. A square has the key of its original. */
  objectKey: string;
  /** The square to make; null when the bytes are stored. */
  square: SquareForm | null;
  contentType: string;
  /** The name of the user's file, with a prefix for a thumbnail or a square. */
  filename: string;
  /** The extension for `contentType`, with its dot. */
  extension: string;
  /** A strong entity tag, with its quotes. A media without a hash uses its id: its bytes never change. */
  etag: string;
  /** Null at a user's address: a restored picture is older than the one that it follows. */
  lastModified: Date | null;
  /** True when the format depends on the client's `Accept` header. */
  isNegotiated: boolean;
}

/** Returns a key that is unique among the forms of one picture. */
export function keyOf(rendition: Rendition): string {
  if (rendition.kind !== "square") return rendition.kind;
  const { sidePx, format, isAnimated, isNegotiated, isCurrent } = rendition;
  return `${sidePx} ${format} ${isAnimated} ${isNegotiated} ${isCurrent}`;
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
  const { sidePx, isAnimated, isNegotiated, isCurrent } = rendition;
  const format = rendition.format ?? nearestFormat(media, isAnimated);
  const square: SquareForm = { sidePx, format, isAnimated };
  const name = renditionNameOf(square);
  // Two pictures with the same original and different crops may follow each other at a user's address.
  const id = isCurrent ? media.id : (media.etag ?? media.id);
  return {
    media,
    key: `${media.id}/${name}`,
    objectKey: media.objectKey,
    square,
    contentType: `image/${format}`,
    filename: `${sidePx}_${media.originalFilename}`,
    extension: format === "jpeg" ? ".jpg" : `.${format}`,
    etag: `"${id}-${name}"`,
    lastModified: isCurrent ? null : media.createdAt,
    isNegotiated,
  };
}

/** Returns a format that every client supports. Animations are always WebP, the only animated format of squares. */
function nearestFormat({ contentType }: Media, isAnimated: boolean): RenditionFormat {
  if (isAnimated) return "webp";
  return contentType === "image/jpeg" ? "jpeg" : "png";
}
