// Media as the services read and change them. What the upkeep asks beyond that is `media-upkeep.ts`.
import type { AnyBulkWriteOperation, Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import { thumbnailKeyOf, type Media, type NewMedia } from "../domain/media.ts";
import { querying } from "./errors.ts";
import { mediaModel, toMedia, type MediaRecord } from "./media.model.ts";

/** What anybody may see: stored completely, and neither deleted nor replaced. */
const visible = { is_deleted: { $ne: true }, status: { $ne: "pending" } } as const;

/** Media by their ids, and the steps of their life. */
export class MediaRepository {
  readonly #media: Model<MediaRecord>;

  constructor(connection: Connection) {
    this.#media = mediaModel(connection);
  }

  async createIndexes(): Promise<void> {
    await this.#media.createIndexes();
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
      unsettled_since: now,
    });
    await querying(() => record.save());
    return toMedia(record);
  }

  /**
   * Records that both objects are stored, and which media this one is about to replace.
   *
   * @returns false when the clean-up job has taken the record for left behind
   */
  async markReady(id: MediaId, replacesId: MediaId | null): Promise<boolean> {
    const update = replacesId
      ? { $set: { status: "ready", replaces: replacesId } }
      : { $set: { status: "ready" }, $unset: { replaces: 1 } };
    const { matchedCount } = await querying(() =>
      this.#media.updateOne({ _id: id, is_deleted: { $ne: true } }, update),
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

  /** A retired media with the time when it was, unless its bytes are being removed; null when there is none. */
  async findRestorable(id: MediaId): Promise<{ media: Media; retiredAt: Date } | null> {
    const filter = {
      _id: id,
      is_deleted: true,
      deleted_at: { $exists: true },
      is_being_removed: { $ne: true },
    };
    const record = await querying(() => this.#media.findOne(filter).lean<MediaRecord>());
    return record?.deleted_at ? { media: toMedia(record), retiredAt: record.deleted_at } : null;
  }

  /**
   * Takes a retired media back, as the first step of making it current again.
   *
   * @returns false when it is not retired any more, or its bytes are being removed
   */
  async revive(id: MediaId): Promise<boolean> {
    const { matchedCount } = await querying(() =>
      this.#media.updateOne(
        { _id: id, is_deleted: true, is_being_removed: { $ne: true } },
        { $set: { is_deleted: false, unsettled_since: new Date() }, $unset: { deleted_at: 1 } },
      ),
    );
    return matchedCount === 1;
  }

  /**
   * Records that the owner's pointer has moved: what it left is retired, what it reached is settled. In one
   * command; doing it again changes nothing.
   */
  async settle({
    retiredId,
    currentId,
  }: {
    retiredId: MediaId | null;
    currentId: MediaId | null;
  }): Promise<void> {
    const writes: AnyBulkWriteOperation[] = [];
    if (retiredId) {
      const update = { $set: { is_deleted: true, deleted_at: new Date() } };
      writes.push({ updateOne: { filter: { _id: retiredId, is_deleted: { $ne: true } }, update } });
    }
    for (const id of [retiredId, currentId]) {
      if (!id) continue;
      writes.push({
        updateOne: {
          filter: { _id: id },
          update: { $unset: { unsettled_since: 1, replaces: 1, is_leaving: 1 } },
        },
      });
    }
    if (writes.length > 0) await querying(() => this.#media.bulkWrite(writes));
  }

  /**
   * Adds views to the records' counts, all in one command. A batch that is added again changes nothing, unless another
   * process has added one of its own in between.
   */
  async addViews(counts: ReadonlyMap<MediaId, number>, batchName: string): Promise<void> {
    const writes: AnyBulkWriteOperation[] = [...counts].map(([id, count]) => ({
      updateOne: {
        filter: { _id: id, last_view_batch: { $ne: batchName } },
        update: { $inc: { view_count: count }, $set: { last_view_batch: batchName } },
      },
    }));
    await querying(() => this.#media.bulkWrite(writes, { ordered: false }));
  }
}
