// Media as the services read and change them. What the upkeep asks beyond that is `media-upkeep.ts`.
import type { AnyBulkWriteOperation, Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import {
  thumbnailKeyOf,
  type Media,
  type MediaChange,
  type NewMedia,
  type Placeholder,
} from "../domain/media.ts";
import { readClock } from "./clock.ts";
import { querying } from "./errors.ts";
import { changedNow, mediaModel, toMedia, uploaderIdOf, visible, type MediaRecord } from "./media.model.ts";

/** Marked for a change, shown, and not current yet. */
const beingRestored = {
  is_deleted: { $ne: true },
  status: { $ne: "pending" },
  unsettled_since: { $gt: new Date(0) },
} as const;

interface Settlement {
  retiredId: MediaId | null;
  currentId: MediaId | null;
  /** Whether a deletion of the current media that was begun has been left undone. Else its mark is somebody else's. */
  isLeft?: boolean;
}

/** Media by their ids, and the steps of their life. */
export class MediaRepository {
  readonly #media: Model<MediaRecord>;
  readonly #hiddenListeners: ((id: MediaId) => void)[] = [];

  constructor(connection: Connection) {
    this.#media = mediaModel(connection);
  }

  async findById(id: MediaId): Promise<Media | null> {
    const record = await querying(() => this.#media.findOne({ _id: id, ...visible }).lean<MediaRecord>());
    return record && toMedia(record);
  }

  /** In no particular order; unknown and retired ids are left out. */
  async findManyByIds(ids: readonly MediaId[]): Promise<Media[]> {
    const records = await querying(() =>
      this.#media.find({ _id: { $in: ids }, ...visible }).lean<MediaRecord[]>(),
    );
    return records.map(toMedia);
  }

  /** Calls `listener` with each media that this process has hidden, before whoever hid it knows. */
  whenHidden(listener: (id: MediaId) => void): void {
    this.#hiddenListeners.push(listener);
  }

  /** Media that any process has shown or hidden since then, and that are still there; in no particular order. */
  async findChangedSince(since: Date): Promise<MediaChange[]> {
    const filter = { changed_at: { $gt: since } };
    const fields = { uploader_id: 1, is_deleted: 1, changed_at: 1 };
    const records = await querying(() => this.#media.find(filter, fields).lean<MediaRecord[]>());
    return records.map(({ _id, uploader_id, is_deleted, changed_at }) => ({
      mediaId: _id.toHexString(),
      uploaderId: uploaderIdOf({ uploader_id }),
      isHidden: is_deleted === true,
      changedAt: changed_at!,
    }));
  }

  /** The time by the clock that `findChangedSince` goes by. */
  readClock(): Promise<Date> {
    return readClock(this.#media.db);
  }

  /** Those of the media that anybody may see. */
  async findVisibleIds(ids: readonly MediaId[]): Promise<MediaId[]> {
    const filter = { _id: { $in: ids }, ...visible };
    const records = await querying(() => this.#media.find(filter, { _id: 1 }).lean<MediaRecord[]>());
    return records.map(({ _id }) => _id.toHexString());
  }

  /** Records the intent to store a picture. Until `markReady`, nobody sees it. */
  async insertPending(media: NewMedia): Promise<Media> {
    const now = new Date();
    const record = new this.#media({
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
    });
    await querying(() => record.save());
    return toMedia(record);
  }

  /** For a record that lacks it. */
  async setPlaceholder(id: MediaId, { thumbHash, dominantColor }: Placeholder): Promise<void> {
    const update = { $set: { placeholder: thumbHash, dominant_color: dominantColor } };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  /**
   * Records that a media is complete and may be shown, and which media it is about to replace.
   *
   * @returns false when the clean-up job has taken it for left behind, or removes its bytes
   */
  async markReady(id: MediaId, replacesId: MediaId | null): Promise<boolean> {
    const ready = { status: "ready", is_deleted: false, unsettled_since: new Date() };
    const over = { deleted_at: 1, is_leaving: 1 };
    const update = replacesId
      ? { $set: { ...ready, replaces: replacesId }, $unset: over }
      : { $set: ready, $unset: { ...over, replaces: 1 } };
    const { matchedCount } = await querying(() =>
      this.#media.updateOne({ _id: id, is_being_removed: { $ne: true } }, update),
    );
    return matchedCount === 1;
  }

  /**
   * Finishes the change that made this media current, where that was left undone: the media that it replaced is
   * retired. To be called while it is current, before anything else takes its place.
   */
  async finishChange(id: MediaId): Promise<void> {
    const record = await querying(() =>
      this.#media.findOne({ _id: id, replaces: { $exists: true } }, { replaces: 1 }).lean<MediaRecord>(),
    );
    if (record?.replaces) await this.settle({ retiredId: record.replaces.toHexString(), currentId: id });
  }

  /** Records that the owner is about to have no picture, and so which media is to go. */
  async markLeaving(id: MediaId): Promise<void> {
    const update = { $set: { unsettled_since: new Date(), is_leaving: true } };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  /** Media of a deletion that was begun and not finished. */
  async findLeaving(uploaderId: UserId): Promise<MediaId[]> {
    const filter = { unsettled_since: { $gt: new Date(0) }, uploader_id: uploaderId, is_leaving: true };
    const records = await querying(() => this.#media.find(filter, { _id: 1 }).lean<MediaRecord[]>());
    return records.map(({ _id }) => _id.toHexString());
  }

  /** A media that was retired after `since`, or that somebody is restoring just now; null when there is none. */
  async findRestorable(id: MediaId, since: Date): Promise<Media | null> {
    const states = [{ is_deleted: true, deleted_at: { $gt: since } }, beingRestored];
    const filter = { _id: id, is_being_removed: { $ne: true }, $or: states };
    const record = await querying(() => this.#media.findOne(filter).lean<MediaRecord>());
    return record && toMedia(record);
  }

  /**
   * Records the intent to make a retired media current again. It stays hidden until then, and its retention time begins
   * anew, so that no clean-up removes its bytes.
   *
   * @returns false when they are being removed already
   */
  async markRestoring(id: MediaId): Promise<boolean> {
    const now = new Date();
    const retired = { _id: id, is_deleted: true, is_being_removed: { $ne: true } };
    const update = { $set: { deleted_at: now, unsettled_since: now } };
    const { matchedCount } = await querying(() => this.#media.updateOne(retired, update));
    if (matchedCount === 1) return true;
    return (await querying(() => this.#media.exists({ _id: id, ...beingRestored }))) !== null;
  }

  /** Shows a media again that was retired. Doing it again changes nothing. */
  async reinstate(id: MediaId): Promise<void> {
    const update = { $set: { is_deleted: false }, $unset: { deleted_at: 1 }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id, is_being_removed: { $ne: true } }, update));
  }

  /**
   * Records that the owner's pointer has moved: what it left is retired, what it reached is settled. In one
   * command; doing it again changes nothing.
   */
  async settle({ retiredId, currentId, isLeft = false }: Settlement): Promise<void> {
    const writes: AnyBulkWriteOperation[] = [];
    if (retiredId) {
      const update = { $set: { is_deleted: true, deleted_at: new Date() }, ...changedNow };
      writes.push({ updateOne: { filter: { _id: retiredId, is_deleted: { $ne: true } }, update } });
    }
    const settled = { $unset: { unsettled_since: 1, replaces: 1, is_leaving: 1 } };
    if (retiredId) writes.push({ updateOne: { filter: { _id: retiredId }, update: settled } });
    const filter = { _id: currentId, ...(!isLeft && { is_leaving: { $ne: true } }) };
    if (currentId) writes.push({ updateOne: { filter, update: { ...settled, ...changedNow } } });
    try {
      if (writes.length > 0) await querying(() => this.#media.bulkWrite(writes));
    } finally {
      if (retiredId) for (const listener of this.#hiddenListeners) listener(retiredId); // It may be, at least.
    }
  }
}
