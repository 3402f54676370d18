// A stored picture, as the services know it, and the names of its two objects. `database/media.model.ts` defines its
// record.
import { randomBytes } from "node:crypto";

import type { MediaId, UserId } from "./ids.ts";
import type { Look } from "./look.ts";
import { pictureFormats, type UploadFormat } from "./picture-format.ts";

/** How often a picture was viewed, according to its record. */
export interface ViewCount {
  id: MediaId;
  viewCount: number;
  /** The number of the last batch of each process that recently added views; see `views/view-batch.ts`. */
  viewBatches: Readonly<Record<string, number>>;
}

export interface Media extends ViewCount {
  /** The name of the original's object, which is never sent to clients. */
  objectKey: string;
  /** The name of the thumbnail's object. */
  thumbnailKey: string;
  originalFilename: string;
  fileSizeBytes: number;
  mediaType: string;
  contentType: string;
  /** Pixels, after orientation. Null if a record of LetsApp's lacks them. */
  width: number | null;
  height: number | null;
  createdAt: Date;
  uploaderId: UserId;
  /** False while a change of its owner's pointer is under way: it is visible only if the pointer leads to it now. */
  isSettled: boolean;
  /** The crop and filter of everything that is derived from the original. */
  look: Look;
  /** Null until it is made. */
  placeholder: Placeholder | null;
  /** Identifies the original's bytes. Null for a record of LetsApp's, whose bytes never change either. */
  etag: string | null;
}

/** Data that clients show until the picture has loaded. */
export interface Placeholder {
  /** A blurred version of the picture: a ThumbHash in base64. */
  thumbHash: string;
  /** "#rrggbb". */
  dominantColor: string;
}

/**
 * Size of the original's object in bytes. Null for a record of LetsApp's: it contains the size of the upload, which
 * may differ from that of the object.
 */
export function objectSizeOf({ etag, fileSizeBytes }: Media): number | null {
  return etag === null ? null : fileSizeBytes;
}

/** A picture that has been made safe and is not stored yet. */
export interface NewMedia {
  objectKey: string;
  originalFilename: string;
  fileSizeBytes: number;
  contentType: string;
  width: number;
  height: number;
  uploaderId: UserId;
  etag: string;
  look: Look;
  placeholder: Placeholder;
}

/** The latest change to a media: it was shown or hidden, or its owner's pointer is about to leave it. */
export interface MediaChange {
  mediaId: MediaId;
  uploaderId: UserId;
  isHidden: boolean;
  /** False if the change is not finished. Another one then follows, if necessary by the clean-up job. */
  isSettled: boolean;
  /** When the change was made, by the database's clock. */
  changedAt: Date;
}

/** Within this time after a picture is hidden, every process notices and stops showing it. */
export const HIDDEN_EVERYWHERE_MS = 2_000;

/** Longer than any upload takes. The process of an older unfinished change has died. */
export const GRACE_PERIOD_MS = 60 * 60 * 1000;

/** Returns a name that cannot be guessed: 128 random bits and the extension of the detected format. */
export function createObjectKey(format: UploadFormat): string {
  return `${randomBytes(16).toString("hex")}${pictureFormats[format].extension}`;
}

/** Returns the name of the thumbnail's object. */
export function thumbnailKeyOf(objectKey: string): string {
  return `thumb_${objectKey}`;
}
