// Reads and changes media for the services. `media-upkeep.ts` has the queries of the clean-up job and the command-line
// programs.
import type { AnyBulkWriteOperation, Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { Media, MediaChange, NewMedia, Placeholder } from "../domain/media.ts";
import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";
import {
  changedNow,
  completeAndNotHidden,
  mediaModel,
  toMedia,
  toPendingRecord,
  uploaderIdOf,
  type MediaRecord,
} from "./media.model.ts";
import type { UserRepository } from "./user-repository.ts";

/** Complete media that are not hidden and have a change under way: they are being restored, replaced or deleted. */
const visibleAndUnsettled = {
  is_deleted: { $ne: true },
  status: { $ne: "pending" },
  unsettled_since: { $gt: new Date(0) },
} as const;

interface Settlement {
  retiredId: MediaId | null;
  currentId: MediaId | null;
  /**
   * True to remove the mark of `markLeaving` from the current media as well. The clean-up job sets it, because the change
   * that made the mark was interrupted. False by default: the mark then belongs to another change and stays.
   */
  clearsCurrentMark?: boolean;
}

const IDS_PER_QUERY = 1_000;

/** Finds media by id, and records each step of their life cycle. */
export class MediaRepository {
  readonly #media: Model<MediaRecord>;

  constructor(
    connection: Connection,
    readonly users: Pick<UserRepository, "findPointersOf">,
    readonly clock: DatabaseClock,
  ) {
    this.#media = mediaModel(connection);
  }

  /** The media if it is visible; null otherwise. */
  async findById(id: MediaId): Promise<Media | null> {
    return (await this.findManyByIds([id]))[0] ?? null;
  }

  /** The visible media among `ids`, in no particular order. */
  async findManyByIds(ids: readonly MediaId[]): Promise<Media[]> {
    const filter = { _id: { $in: ids }, ...completeAndNotHidden };
    const records = await querying(() => this.#media.find(filter).lean<MediaRecord[]>());
    return (await this.#shownOf(records)).map(toMedia);
  }

  /**
   * The records that may be shown. A media with a change under way is shown only while its owner's pointer leads to
   * it: the process that changes it may have died before it hid the media.
   */
  async #shownOf<Found extends Pick<MediaRecord, "_id" | "uploader_id" | "unsettled_since">>(
    records: Found[],
  ): Promise<Found[]> {
    const unsettled = records.filter(({ unsettled_since }) => unsettled_since !== undefined);
    if (unsettled.length === 0) return records;
    const pointers = await this.users.findPointersOf(unsettled.map(uploaderIdOf));
    const currentIds = new Set(pointers.map(({ mediaId }) => mediaId));
    return records.filter(
      (record) => record.unsettled_since === undefined || currentIds.has(record._id.toHexString()),
    );
  }

  /** The changes that any process has made to media after `since`, in no particular order. Omits removed records. */
  async findChangedSince(since: Date): Promise<MediaChange[]> {
    const filter = { changed_at: { $gt: since } };
    const fields = { uploader_id: 1, is_deleted: 1, changed_at: 1, unsettled_since: 1 };
    const records = await querying(() => this.#media.find(filter, fields).lean<MediaRecord[]>());
    return records.map(({ _id, uploader_id, is_deleted, changed_at, unsettled_since }) => ({
      mediaId: _id.toHexString(),
      uploaderId: uploaderIdOf({ uploader_id }),
      isHidden: is_deleted === true,
      isSettled: unsettled_since === undefined,
      changedAt: changed_at!,
    }));
  }

  /** Reads the database's clock, by which records have their times. */
  readClock(): Promise<Date> {
    return this.clock.read();
  }

  /** The ids of the visible media among `ids`, in no particular order. */
  async findVisibleIds(ids: readonly MediaId[]): Promise<MediaId[]> {
    const filter = { _id: { $in: ids }, ...completeAndNotHidden };
    const fields = { _id: 1, uploader_id: 1, unsettled_since: 1 };
    const records = await querying(() => this.#media.find(filter, fields).lean<MediaRecord[]>());
    return (await this.#shownOf(records)).map(({ _id }) => _id.toHexString());
  }

  /** Finds the ids among these whose media are not visible. Reads up to `IDS_PER_QUERY` at a time. */
  async *findHiddenAmong(ids: readonly MediaId[]): AsyncGenerator<MediaId> {
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
      const some = ids.slice(start, start + IDS_PER_QUERY);
      const visible = new Set(await this.findVisibleIds(some));
      yield* some.filter((id) => !visible.has(id));
    }
  }

  /** Records the intent to store a picture. The media is invisible until `markReady`. */
  async insertPending(media: NewMedia): Promise<Media> {
    const record = new this.#media(toPendingRecord(media, this.clock.now()));
    await querying(() => record.save());
    return toMedia(record);
  }

  /** Stores the placeholder of a media that was recorded without one. */
  async setPlaceholder(id: MediaId, { thumbHash, dominantColor }: Placeholder): Promise<void> {
    const update = { $set: { placeholder: thumbHash, dominant_color: dominantColor } };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  /**
   * Records that a media is complete and may be shown, and which media it is about to replace.
   *
   * @returns false when the clean-up job has claimed the media as abandoned, or is removing its bytes
   */
  async markReady(id: MediaId, replacesId: MediaId | null): Promise<boolean> {
    const ready = { status: "ready", is_deleted: false, unsettled_since: this.clock.now() };
    const retirementFields = { deleted_at: 1, is_leaving: 1 };
    const update = replacesId
      ? { $set: { ...ready, replaces: replacesId }, $unset: retirementFields }
      : { $set: ready, $unset: { ...retirementFields, replaces: 1 } };
    const { matchedCount } = await querying(() =>
      this.#media.updateOne({ _id: id, is_being_removed: { $ne: true } }, update),
    );
    return matchedCount === 1;
  }

  /**
   * Records that the owner's pointer is about to leave the media. Every process then shows the media only while the
   * pointer still leads to it.
   */
  async markLeaving(id: MediaId): Promise<void> {
    const update = { $set: { unsettled_since: this.clock.now(), is_leaving: true }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  /** The ids of the user's media with a mark of `markLeaving` whose change is not finished. */
  async findLeaving(uploaderId: UserId): Promise<MediaId[]> {
    const filter = { unsettled_since: { $gt: new Date(0) }, uploader_id: uploaderId, is_leaving: true };
    const records = await querying(() => this.#media.find(filter, { _id: 1 }).lean<MediaRecord[]>());
    return records.map(({ _id }) => _id.toHexString());
  }

  /** The media if it was retired less than `retentionMs` ago, or is shown with a change under way; null otherwise. */
  async findRestorable(id: MediaId, retentionMs: number): Promise<Media | null> {
    const retired = { is_deleted: true, deleted_at: { $gt: new Date(+this.clock.now() - retentionMs) } };
    const filter = { _id: id, is_being_removed: { $ne: true }, $or: [retired, visibleAndUnsettled] };
    const record = await querying(() => this.#media.findOne(filter).lean<MediaRecord>());
    return record && toMedia(record);
  }

  /**
   * Records the intent to make a retired media current again. The media stays hidden until `markReady`. Its retention
   * time starts again, so that the clean-up job does not remove its bytes. A media that is not hidden and has a change
   * under way stays as it is.
   *
   * @returns false for any other media, for instance when its bytes are being removed
   */
  async markRestoring(id: MediaId): Promise<boolean> {
    const now = this.clock.now();
    const retired = { _id: id, is_deleted: true, is_being_removed: { $ne: true } };
    const update = { $set: { deleted_at: now, unsettled_since: now } };
    const { matchedCount } = await querying(() => this.#media.updateOne(retired, update));
    if (matchedCount === 1) return true;
    return (await querying(() => this.#media.exists({ _id: id, ...visibleAndUnsettled }))) !== null;
  }

  /** Shows a retired media again, unless its bytes are being removed. Repeating it only renews `changed_at`. */
  async reinstate(id: MediaId): Promise<void> {
    const update = { $set: { is_deleted: false }, $unset: { deleted_at: 1 }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id, is_being_removed: { $ne: true } }, update));
  }

  /** Hides a media that its owner's pointer has left. Repeating it has no further effect. */
  async hide(id: MediaId): Promise<void> {
    const update = { $set: { is_deleted: true, deleted_at: this.clock.now() }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id, is_deleted: { $ne: true } }, update));
  }

  /**
   * Records in one command that a change is finished. Removes the marks of the media that the pointer has left, if it
   * is hidden, and of the media that it has reached. Repeating it only renews `changed_at` of the latter.
   */
  async settle({ retiredId, currentId, clearsCurrentMark = false }: Settlement): Promise<void> {
    const settled = { $unset: { unsettled_since: 1, replaces: 1, is_leaving: 1 } };
    const writes: AnyBulkWriteOperation[] = [];
    if (retiredId)
      writes.push({ updateOne: { filter: { _id: retiredId, is_deleted: true }, update: settled } });
    const filter = { _id: currentId, ...(!clearsCurrentMark && { is_leaving: { $ne: true } }) };
    if (currentId) writes.push({ updateOne: { filter, update: { ...settled, ...changedNow } } });
    if (writes.length > 0) await querying(() => this.#media.bulkWrite(writes));
  }
}
