// Media queries of the clean-up job and the command-line programs: unfinished changes, media past their retention
// time, and records in any state.
import type { Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { Media } from "../domain/media.ts";
import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";
import { changedNow, mediaModel, toMedia, type MediaRecord } from "./media.model.ts";

/** A media with an unfinished change. Its owner's pointer decides how the clean-up job finishes the change. */
export interface UnsettledMedia {
  media: Media;
  status: "pending" | "ready";
  isDeleted: boolean;
  replacesId: MediaId | null;
}

/** A media and its state, according to its record. */
export interface ExaminedMedia {
  media: Media;
  /** True if this service stored it. LetsApp keeps other attachments in the same collection. */
  isOurs: boolean;
  isPending: boolean;
  isDeleted: boolean;
  /** True once its removal has begun: first its objects are deleted, then its record. */
  isBeingRemoved: boolean;
  /** When its unfinished change began; null if there is none. */
  unsettledSince: Date | null;
}

/** Number of records that `examineAll` reads in one query. */
const RECORDS_PER_PAGE = 200;

export class MediaUpkeep {
  readonly #media: Model<MediaRecord>;

  constructor(
    connection: Connection,
    readonly clock: Pick<DatabaseClock, "now">,
  ) {
    this.#media = mediaModel(connection);
  }

  /** Media with an unfinished change that began before `before`, oldest change first. */
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

  /** Media that were retired before `before`, earliest first. */
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
   * Claims a retired media for removal: from now on it cannot be restored. The times are by the database's clock.
   *
   * @param before the media must have been retired before this time
   * @param hiddenBefore it must have been hidden before this time, so that every process has noticed
   * @returns false when the media is no longer retired, or one of the conditions does not hold
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

  /**
   * Claims a pending media for removal: its upload cannot become current any more.
   *
   * @returns false when the media is no longer pending
   */
  async claimAbandoned(id: MediaId): Promise<boolean> {
    const hidden = { is_deleted: true, deleted_at: this.clock.now(), is_being_removed: true };
    const update = { $set: hidden, ...changedNow };
    const { matchedCount } = await querying(() =>
      this.#media.updateOne({ _id: id, status: "pending" }, update),
    );
    return matchedCount === 1;
  }

  /** Every media, whatever its state, in pages in the order of their ids. */
  async *examineAll(recordsPerPage = RECORDS_PER_PAGE): AsyncGenerator<ExaminedMedia[]> {
    for (let afterId: MediaId | null = null; ;) {
      const page: ExaminedMedia[] = await this.#find(
        afterId ? { _id: { $gt: afterId } } : {},
        recordsPerPage,
      );
      if (page.length === 0) return;
      yield page;
      afterId = page.at(-1)!.media.id;
    }
  }

  async examine(id: MediaId): Promise<ExaminedMedia | null> {
    return (await this.#find({ _id: id }, 1))[0] ?? null;
  }

  /** All media that a user has uploaded, in any state. */
  async examineUploads(uploaderId: UserId): Promise<ExaminedMedia[]> {
    return this.#find({ uploader_id: uploaderId }, 0);
  }

  /** True if a change that began after `since` is going to retire this media. */
  async isBeingReplaced(id: MediaId, since: Date): Promise<boolean> {
    const filter = { unsettled_since: { $gt: since }, replaces: id };
    return (await querying(() => this.#media.exists(filter))) !== null;
  }

  /** The estimated number of records. */
  async count(): Promise<number> {
    return querying(() => this.#media.estimatedDocumentCount());
  }

  /** Claims a media for removal, whatever its state: hides it at once and permanently. */
  async claimInAnyState(id: MediaId): Promise<void> {
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

  /** Removes the record. Delete its objects first, because only the record contains their names. */
  async remove(id: MediaId): Promise<void> {
    await querying(() => this.#media.deleteOne({ _id: id }));
  }
}
