// What the upkeep asks of media: the changes that were never finished, and those whose time is over. Called by the
// files of `jobs/`.
import type { Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { Media } from "../domain/media.ts";
import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";
import { changedNow, mediaModel, toMedia, type MediaRecord } from "./media.model.ts";

/** A media for the clean-up job: what is to be done depends on where its owner's pointer is. */
export interface UnsettledMedia {
  media: Media;
  status: "pending" | "ready";
  isDeleted: boolean;
  replacesId: MediaId | null;
}

/** A media with what its record says of the state of its life. */
export interface ExaminedMedia {
  media: Media;
  /** Whether this service has stored it. LetsApp keeps attachments of other kinds in the same collection. */
  isOurs: boolean;
  isPending: boolean;
  isDeleted: boolean;
  /** Its objects are going, or gone, and its record will be. */
  isBeingRemoved: boolean;
  /** Since when a change is under way, or was left undone. */
  unsettledSince: Date | null;
}

export class MediaUpkeep {
  readonly #media: Model<MediaRecord>;

  constructor(
    connection: Connection,
    readonly clock: Pick<DatabaseClock, "now">,
  ) {
    this.#media = mediaModel(connection);
  }

  /** Changes that began before `before` and were never finished, oldest first. */
  async findUnsettled(before: Date, maxCount: number, skipCount: number): Promise<UnsettledMedia[]> {
    const records = await querying(() =>
      this.#media
        .find({ unsettled_since: { $lt: before } })
        .sort({ unsettled_since: 1 })
        .skip(skipCount)
        .limit(maxCount)
        .lean<MediaRecord[]>(),
    );
    return records.map((record) => ({
      media: toMedia(record),
      status: record.status === "pending" ? "pending" : "ready",
      isDeleted: record.is_deleted === true,
      replacesId: record.replaces?.toHexString() ?? null,
    }));
  }

  /** Media retired before `before`, longest ago first. */
  async findRetired(before: Date, maxCount: number, skipCount: number): Promise<{ media: Media }[]> {
    const records = await querying(() =>
      this.#media
        .find({ deleted_at: { $lt: before }, is_deleted: true })
        .sort({ deleted_at: 1 })
        .skip(skipCount)
        .limit(maxCount)
        .lean<MediaRecord[]>(),
    );
    return records.map((record) => ({ media: toMedia(record) }));
  }

  /**
   * Takes a retired media for removal, so that nobody can revive it any more.
   *
   * @param before when it was retired, and `hiddenBefore` when all processes knew: both by the database's clock
   */
  async claimRetired(id: MediaId, before: Date, hiddenBefore = before): Promise<boolean> {
    const isHidden = [{ changed_at: { $exists: false } }, { changed_at: { $lt: hiddenBefore } }];
    const { matchedCount } = await querying(() =>
      this.#media.updateOne(
        { _id: id, is_deleted: true, deleted_at: { $lt: before }, $or: isHidden },
        { $set: { is_being_removed: true } },
      ),
    );
    return matchedCount === 1;
  }

  /** Takes a pending media for itself, so that its upload cannot become current any more. */
  async claimAbandoned(id: MediaId): Promise<boolean> {
    const hidden = { is_deleted: true, deleted_at: this.clock.now(), is_being_removed: true };
    const update = { $set: hidden, ...changedNow };
    const { matchedCount } = await querying(() =>
      this.#media.updateOne({ _id: id, status: "pending" }, update),
    );
    return matchedCount === 1;
  }

  /** Whatever the state of their life, in the order of their ids, from the one after `afterId`. */
  async findPage(afterId: MediaId | null, maxCount: number): Promise<ExaminedMedia[]> {
    return this.#find(afterId ? { _id: { $gt: afterId } } : {}, maxCount);
  }

  async findById(id: MediaId): Promise<ExaminedMedia | null> {
    return (await this.#find({ _id: id }, 1))[0] ?? null;
  }

  /** All that a user has uploaded, whatever the state of their life. */
  async findByUploader(uploaderId: UserId): Promise<ExaminedMedia[]> {
    return this.#find({ uploader_id: uploaderId }, 0);
  }

  /** Whether a change that began after `since` is to retire this media, and has not done it yet. */
  async isBeingReplaced(id: MediaId, since: Date): Promise<boolean> {
    const filter = { unsettled_since: { $gt: since }, replaces: id };
    return (await querying(() => this.#media.exists(filter))) !== null;
  }

  /** How many records there are, about. */
  async count(): Promise<number> {
    return querying(() => this.#media.estimatedDocumentCount());
  }

  /** Hides a media at once, and for good. */
  async condemn(id: MediaId): Promise<void> {
    const hidden = { is_deleted: true, deleted_at: this.clock.now(), is_being_removed: true };
    const update = { $set: hidden, ...changedNow };
    await querying(() => this.#media.updateOne({ _id: id }, update));
  }

  async #find(filter: object, maxCount: number): Promise<ExaminedMedia[]> {
    const records = await querying(() =>
      this.#media.find(filter).sort({ _id: 1 }).limit(maxCount).lean<MediaRecord[]>(),
    );
    return records.map((record) => ({
      media: toMedia(record),
      isOurs: record.status !== undefined,
      isPending: record.status === "pending",
      isDeleted: record.is_deleted === true,
      isBeingRemoved: record.is_being_removed === true,
      unsettledSince: record.unsettled_since ?? null,
    }));
  }

  /** Removes the record. Its objects have to be gone already, for nothing else knows their names. */
  async remove(id: MediaId): Promise<void> {
    await querying(() => this.#media.deleteOne({ _id: id }));
  }
}
