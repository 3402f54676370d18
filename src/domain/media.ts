// A stored picture, as the services know it, and the names of its two objects. The record behind it is
// `database/media.model.ts`.
import { randomBytes } from "node:crypto";

import type { MediaId, UserId } from "./ids.ts";
import type { Look } from "./look.ts";
import { pictureFormats, type PictureFormat } from "./picture-format.ts";

/** How often a picture was viewed, as its record says. */
export interface ViewCount {
  id: MediaId;
  viewCount: number;
  /** Of each process that added views lately, the number of its last batch; see `views/view-batch.ts`. */
  viewBatches: Readonly<Record<string, number>>;
}

export interface Media extends ViewCount {
  /** The name of the original's object. It never leaves the server. */
  objectKey: string;
  /** The name of the thumbnail's object. */
  thumbnailKey: string;
  originalFilename: string;
  fileSizeBytes: number;
  mediaType: string;
  contentType: string;
  /** Pixels, after orientation. A record of LetsApp's may lack them. */
  width: number | null;
  height: number | null;
  createdAt: Date;
  uploaderId: UserId;
  /** False while a change of its owner's pointer is under way: it can be seen only while the pointer leads to it. */
  isSettled: boolean;
  /** How everything that is derived from it is made. */
  look: Look;
  /** Null where nobody has made it yet. */
  placeholder: Placeholder | null;
  /** Identifies the original's bytes; a record of LetsApp's has none, but its bytes never change either. */
  etag: string | null;
}

/** What is shown before a picture has come. */
export interface Placeholder {
  /** A blur of the picture: a ThumbHash, as base64. */
  thumbHash: string;
  /** "#rrggbb". */
  dominantColor: string;
}

/** What the original's object has; null for a record of LetsApp's, which says what was uploaded, whatever was stored. */
export function objectSizeOf({ etag, fileSizeBytes }: Media): number | null {
  return etag === null ? null : fileSizeBytes;
}

/** What is known of a picture once it has been made safe, before it is stored. */
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

/** Something has become of a media: it is shown now, or not any more. */
export interface MediaChange {
  mediaId: MediaId;
  uploaderId: UserId;
  isHidden: boolean;
  /** False when more is to come: the change is still under way, or its process has died. */
  isSettled: boolean;
  /** By the database's clock. */
  changedAt: Date;
}

/** When a picture is hidden, every process has seen that after this time: none shows it any more. */
export const HIDDEN_EVERYWHERE_MS = 2_000;

/** Far longer than any upload takes: an older unfinished change has no process any more. */
export const GRACE_PERIOD_MS = 60 * 60 * 1000;

/** A name that nobody can guess: 128 random bits, and the ending of the true format. */
export function createObjectKey(format: PictureFormat): string {
  return `${randomBytes(16).toString("hex")}${pictureFormats[format].extension}`;
}

/** The name of a thumbnail beside its original. */
export function thumbnailKeyOf(objectKey: string): string {
  return `thumb_${objectKey}`;
}
