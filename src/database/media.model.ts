// The `media` collection: LetsApp's fields, and the fields that this service adds.
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

// The first two indexes contain only the few records that the clean-up job still has to process.
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

  /** Size of the stored original in bytes. */
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

  /** The number of the last batch of each process that recently added views; see `views/view-batch.ts`. */
  @prop({ type: () => Schema.Types.Mixed, allowMixed: Severity.ALLOW })
  view_batches?: Record<string, number>;

  @prop({ type: () => Boolean, default: false })
  is_deleted?: boolean;

  /** When it was retired. The clean-up job removes its bytes after the retention time. */
  @prop({ type: () => Date })
  deleted_at?: Date;

  /** When the last update with `changedNow` was made, by the database's clock. See `services/change-feed.ts`. */
  @prop({ type: () => Date })
  changed_at?: Date;

  /** True once the media is claimed for removal, so that it cannot be restored any more. */
  @prop({ type: () => Boolean })
  is_being_removed?: boolean;

  /** "pending" until both objects are stored. LetsApp's own records have no status and count as ready. */
  @prop({ type: () => String, enum: ["pending", "ready"] })
  status?: "pending" | "ready";

  @prop({ type: () => String })
  etag?: string;

  /** The part of the picture that its owner wants to show. See `domain/look.ts`. */
  @prop({ type: () => Schema.Types.Mixed, allowMixed: Severity.ALLOW })
  crop?: Crop | null;

  @prop({ type: () => String })
  filter?: PictureFilter | null;

  /** A ThumbHash in base64. */
  @prop({ type: () => String })
  placeholder?: string;

  /** "#rrggbb". */
  @prop({ type: () => String })
  dominant_color?: string;

  /**
   * When a change that moves the user's pointer to or from this media began. The change removes the field once the
   * pointer and the media agree. If its process dies before that, `jobs/cleanup-job.ts` finishes the change.
   */
  @prop({ type: () => Date })
  unsettled_since?: Date;

  /** True while a deletion or a replacement is moving the pointer away from this media. */
  @prop({ type: () => Boolean })
  is_leaving?: boolean;

  /** The media that this one replaces, and that is retired once the pointer has moved. */
  @prop({ type: () => Types.ObjectId })
  replaces?: Types.ObjectId;
}

/**
 * Selects media that are stored completely, and not deleted or replaced. `MediaRepository` excludes those with a change
 * under way that are not their owner's picture.
 */
export const completeAndNotHidden = { is_deleted: { $ne: true }, status: { $ne: "pending" } } as const;

/** Part of each update that other processes must learn of: it shows or hides a media, or a change to it begins. */
export const changedNow = { $currentDate: { changed_at: true } } as const;

/** The connection's own model. Typegoose's `getModelForClass` would share one model among all connections. */
export function mediaModel(connection: Connection): Model<MediaRecord> {
  const { [MediaRecord.name]: known } = connection.models;
  return (known ??
    connection.model(MediaRecord.name, buildSchema(MediaRecord))) as unknown as Model<MediaRecord>;
}

/** The uploader id of a record without an uploader. No user has this id. */
const NOBODY = "0".repeat(24);

/** Converts a record for the services. If it lacks an object key, it gets "", which is not the key of any object. */
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

/** The fields of a new record, which is invisible until `markReady`. */
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
    return null; // The stored crop is damaged: the picture is shown without a crop.
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
