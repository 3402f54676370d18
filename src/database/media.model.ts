// The `media` collection: LetsApp's fields, and ours beside them. Used by `media-repository.ts` and `media-upkeep.ts` alone.
import { buildSchema, index, modelOptions, prop, Severity } from "@typegoose/typegoose";
import { Schema, Types, type Connection, type Model } from "mongoose";

import type { UserId } from "../domain/ids.ts";
import { checkCrop, pictureFilters, type Crop, type Look, type PictureFilter } from "../domain/look.ts";
import {
  thumbnailKeyOf,
  type Media,
  type NewMedia,
  type Placeholder,
  type ViewCount,
} from "../domain/media.ts";

// The first two hold only the few records that somebody still has to deal with.
@index({ unsettled_since: 1 }, { sparse: true })
@index({ deleted_at: 1 }, { sparse: true })
@index({ changed_at: 1 }, { sparse: true })
@index({ uploader_id: 1 })
@modelOptions({
  schemaOptions: { collection: "media", versionKey: false, autoIndex: false, autoCreate: false },
})
export class MediaRecord {
  readonly _id!: Types.ObjectId;

  /** The original's object key. */
  @prop({ type: () => String, required: true })
  filename!: string;

  @prop({ type: () => String, required: true })
  original_filename!: string;

  /** Bytes of the stored original. */
  @prop({ type: () => Number, required: true })
  file_size!: number;

  @prop({ type: () => String, default: "image" })
  media_type!: string;

  @prop({ type: () => String, required: true })
  mime_type!: string;

  @prop({ type: () => Types.ObjectId, required: true })
  uploader_id!: Types.ObjectId;

  /** The thumbnail's object key. */
  @prop({ type: () => String })
  thumbnail?: string;

  @prop({ type: () => Number })
  width?: number;

  @prop({ type: () => Number })
  height?: number;

  @prop({ type: () => Date, required: true })
  created_at!: Date;

  @prop({ type: () => Number, default: 0 })
  view_count?: number;

  /** Of each process that added to `view_count` lately, the number of its last batch; see `views/view-batch.ts`. */
  @prop({ type: () => Schema.Types.Mixed, allowMixed: Severity.ALLOW })
  view_batches?: Record<string, number>;

  @prop({ type: () => Boolean, default: false })
  is_deleted?: boolean;

  /** When it was retired; its bytes go after the retention time. */
  @prop({ type: () => Date })
  deleted_at?: Date;

  /** When it was shown or hidden last, by the database's clock: see `services/change-feed.ts`. */
  @prop({ type: () => Date })
  changed_at?: Date;

  /** True once the clean-up has begun to remove its bytes. */
  @prop({ type: () => Boolean })
  is_being_removed?: boolean;

  /** "pending" until both objects are stored. LetsApp's own records have no status and count as ready. */
  @prop({ type: () => String, enum: ["pending", "ready"] })
  status?: "pending" | "ready";

  @prop({ type: () => String })
  etag?: string;

  /** Which part of the picture its owner wants to be seen: see `domain/look.ts`. */
  @prop({ type: () => Schema.Types.Mixed, allowMixed: Severity.ALLOW })
  crop?: Crop | null;

  @prop({ type: () => String })
  filter?: PictureFilter | null;

  /** A ThumbHash, as base64; and "#rrggbb". */
  @prop({ type: () => String })
  placeholder?: string;

  @prop({ type: () => String })
  dominant_color?: string;

  /**
   * Since when a change of the user's pointer to or from this media is under way. It is gone once the pointer
   * and the media agree; where it stays behind, the process died in between and `jobs/cleanup-job.ts` finishes.
   */
  @prop({ type: () => Date })
  unsettled_since?: Date;

  /** True while a deletion is taking the pointer away from this media. */
  @prop({ type: () => Boolean })
  is_leaving?: boolean;

  /** The media whose place this one takes: to be retired once the pointer has moved. */
  @prop({ type: () => Types.ObjectId })
  replaces?: Types.ObjectId;
}

/** A visible media is stored completely, and neither deleted nor replaced. While a change is under way, the pointer decides. */
export const visible = { is_deleted: { $ne: true }, status: { $ne: "pending" } } as const;

/** Part of each update that shows or hides a media. */
export const changedNow = { $currentDate: { changed_at: true } } as const;

/** One model for each connection: typegoose's `getModelForClass` would share one among all of them. */
export function mediaModel(connection: Connection): Model<MediaRecord> {
  const { [MediaRecord.name]: known } = connection.models;
  return (known ??
    connection.model(MediaRecord.name, buildSchema(MediaRecord))) as unknown as Model<MediaRecord>;
}

/** Nobody's id: of the uploader of a damaged record. */
const NOBODY = "0".repeat(24);

/** The record as the services know it. A damaged one names an object that there is not, and nobody. */
export function toMedia(record: MediaRecord): Media {
  const { filename } = record as { filename?: string };
  const objectKey = filename ?? "";
  return {
    ...toViewCount(record),
    objectKey,
    thumbnailKey: record.thumbnail ?? thumbnailKeyOf(objectKey),
    originalFilename: record.original_filename,
    fileSizeBytes: record.file_size,
    mediaType: record.media_type,
    contentType: record.mime_type,
    width: record.width ?? null,
    height: record.height ?? null,
    createdAt: record.created_at ? new Date(record.created_at) : record._id.getTimestamp(),
    uploaderId: uploaderIdOf(record),
    isSettled: record.unsettled_since === undefined,
    etag: record.etag && /^[\w-]+$/.test(record.etag) ? record.etag : null,
    look: toLook(record),
    placeholder: toPlaceholder(record),
  };
}

/** The fields of a record that nobody sees yet. */
export function toPendingRecord(media: NewMedia, now: Date) {
  return {
    filename: media.objectKey,
    original_filename: media.originalFilename,
    file_size: media.fileSizeBytes,
    media_type: "image",
    mime_type: media.contentType,
    uploader_id: media.uploaderId,
    thumbnail: thumbnailKeyOf(media.objectKey),
    width: media.width,
    height: media.height,
    created_at: now,
    view_count: 0,
    is_deleted: false,
    status: "pending",
    etag: media.etag,
    ...(media.look.crop && { crop: media.look.crop }),
    ...(media.look.filter && { filter: media.look.filter }),
    placeholder: media.placeholder.thumbHash,
    dominant_color: media.placeholder.dominantColor,
    unsettled_since: now,
  };
}

export function uploaderIdOf(record: { uploader_id?: Types.ObjectId }): UserId {
  return record.uploader_id?.toString() ?? NOBODY;
}

function toLook({ crop, filter }: MediaRecord): Look {
  const isFilter = filter != null && pictureFilters.includes(filter);
  return { crop: toCrop(crop), filter: isFilter ? filter : null };
}

function toCrop(crop: MediaRecord["crop"]): Crop | null {
  if (crop == null) return null;
  try {
    return checkCrop(crop);
  } catch {
    return null; // The record is damaged: the picture is shown without it.
  }
}

function toPlaceholder({ placeholder, dominant_color: dominantColor }: MediaRecord): Placeholder | null {
  return placeholder && dominantColor ? { thumbHash: placeholder, dominantColor } : null;
}

export function toViewCount(record: Pick<MediaRecord, "_id" | "view_count" | "view_batches">): ViewCount {
  return {
    id: record._id.toHexString(),
    viewCount: record.view_count ?? 0,
    viewBatches: record.view_batches ?? {},
  };
}
