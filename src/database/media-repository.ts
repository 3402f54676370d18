// Media as the services read and change them. What the upkeep asks beyond that is `media-upkeep.ts`.
import type { AnyBulkWriteOperation, Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { Media, MediaChange, NewMedia, Placeholder } from "../domain/media.ts";
import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";
import {
  changedNow,
  mediaModel,
  toMedia,
  toPendingRecord,
  uploaderIdOf,
  visible,
  type MediaRecord,
} from "./media.model.ts";
import type { UserRepository } from "./user-repository.ts";

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

  constructor(
    connection: Connection,
    readonly users: Pick<UserRepository, "findPointersOf">,
    readonly clock: DatabaseClock,
  ) {
    this.#media = mediaModel(connection);
  }

  /** The media if it can be seen; null otherwise. */
  async findById(id: MediaId): Promise<Media | null> {
    return (await this.findManyByIds([id]))[0] ?? null;
  }

  /** The visible media among `ids`, in no particular order. */
  async findManyByIds(ids: readonly MediaId[]): Promise<Media[]> {
    const filter = { _id: { $in: ids }, ...visible };
    const records = await querying(() => this.#media.find(filter).lean<MediaRecord[]>());
    return (await this.#shownOf(records)).map(toMedia);
  }

  /**
   * A media for which a change is under way is shown while its owner's pointer leads to it, and not a moment longer: the
   * process that changes it may have died before it hid the media.
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

  /** Media that any process has shown or hidden since then, and that are still there; in no particular order. */
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

  /** The time by the clock that `findChangedSince` goes by. */
  readClock(): Promise<Date> {
    return this.clock.read();
  }

  /** Those of the media that anybody may see. */
  async findVisibleIds(ids: readonly MediaId[]): Promise<MediaId[]> {
    const filter = { _id: { $in: ids }, ...visible };
    const fields = { _id: 1, uploader_id: 1, unsettled_since: 1 };
    const records = await querying(() => this.#media.find(filter, fields).lean<MediaRecord[]>());
    return (await this.#shownOf(records)).map(({ _id }) => _id.toHexString());
  }

  /** Records the intent to store a picture. Until `markReady`, nobody sees it. */
  async insertPending(media: NewMedia): Promise<Media> {
    const record = new this.#media(toPendingRecord(media, this.clock.now()));
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
    const ready = { status: "ready", is_deleted: false, unsettled_since: this.clock.now() };
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
   * Records that the owner's pointer is about to leave the media. From now on it is shown only while the pointer still
   * leads to it, in every process.
   */
  async markLeaving(id: MediaId): Promise<void> {
    const update = { $set: { unsettled_since: this.clock.now(), is_leaving: true }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  /** Media of the user that a pointer was about to leave, by a change that was begun and not finished. */
  async findLeaving(uploaderId: UserId): Promise<MediaId[]> {
    const filter = { unsettled_since: { $gt: new Date(0) }, uploader_id: uploaderId, is_leaving: true };
    const records = await querying(() => this.#media.find(filter, { _id: 1 }).lean<MediaRecord[]>());
    return records.map(({ _id }) => _id.toHexString());
  }

  /** A media that was retired less than `retentionMs` ago, or is being restored now; null when there is none. */
  async findRestorable(id: MediaId, retentionMs: number): Promise<Media | null> {
    const retired = { is_deleted: true, deleted_at: { $gt: new Date(+this.clock.now() - retentionMs) } };
    const filter = { _id: id, is_being_removed: { $ne: true }, $or: [retired, beingRestored] };
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
    const now = this.clock.now();
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

  /** Hides a media that its owner's pointer has left. Doing it again changes nothing. */
  async hide(id: MediaId): Promise<void> {
    const update = { $set: { is_deleted: true, deleted_at: this.clock.now() }, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id, is_deleted: { $ne: true } }, update));
  }

  /**
   * Records that a change is over: removes the marks of what the pointer has left, if that is hidden, and of what it has
   * reached. In one command; doing it again changes nothing.
   */
  async settle({ retiredId, currentId, isLeft = false }: Settlement): Promise<void> {
    const settled = { $unset: { unsettled_since: 1, replaces: 1, is_leaving: 1 } };
    const writes: AnyBulkWriteOperation[] = [];
    if (retiredId)
      writes.push({ updateOne: { filter: { _id: retiredId, is_deleted: true }, update: settled } });
    const filter = { _id: currentId, ...(!isLeft && { is_leaving: { $ne: true } }) };
    if (currentId) writes.push({ updateOne: { filter, update: { ...settled, ...changedNow } } });
    if (writes.length > 0) await querying(() => this.#media.bulkWrite(writes));
  }
}
