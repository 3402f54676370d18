// Finishes changes that a crash interrupted, and removes retired media after the retention time. The job starts from
// records, and never removes a file that no record names. Only one process runs it at a time.
import { setTimeout } from "node:timers/promises";

import type { FastifyBaseLogger } from "fastify";

import type { Database } from "../database/connection.ts";
import type { UnsettledMedia } from "../database/media-upkeep.ts";
import { GRACE_PERIOD_MS, HIDDEN_EVERYWHERE_MS, type Media } from "../domain/media.ts";
import type { PictureLifecycle } from "../services/picture-lifecycle.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH_COUNT = 100;

/** How often a waiting process checks whether another process has finished its run. */
const LOOK_INTERVAL_MS = 500;

/** Counts of one run. */
export interface CleanupResult {
  /** Incomplete uploads whose objects and record were removed. */
  abandonedCount: number;
  /** Changes of a picture that the job finished for a process that died. */
  settledCount: number;
  /** Media past the retention time whose objects and record were removed. */
  removedCount: number;
  /** Records that failed; the next run tries again. */
  failedCount: number;
}

export class CleanupJob {
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<unknown> | null = null;
  #isClosing = false;
  /** Sums over all runs since the start, without dry runs. */
  readonly totals = nothingDone();

  constructor(
    readonly database: Pick<Database, "users" | "media" | "upkeep" | "cleanupLease">,
    readonly lifecycle: PictureLifecycle,
    readonly storage: ObjectStorage,
    readonly settings: { retentionMs: number },
    readonly log: FastifyBaseLogger,
  ) {}

  /** Runs the job at once, and then every ten minutes. */
  start(): void {
    const run = () => {
      this.#run ??= this.run()
        .catch((error: unknown) => this.log.error({ err: error }, "clean-up failed"))
        .finally(() => {
          this.#run = null;
        });
    };
    this.#timer = setInterval(run, INTERVAL_MS).unref();
    run();
  }

  /** Stops a run after its current record, and waits for it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await this.#run;
  }

  /**
   * Runs the job once. Waits while another process runs it.
   *
   * @param now the time by the database's clock, which is read if this is absent
   * @param isDryRun counts what the job would do, and changes nothing
   * @param onWait called once, when the wait begins
   */
  async run({
    now = undefined as Date | undefined,
    isDryRun = false,
    onWait = () => {},
  } = {}): Promise<CleanupResult> {
    if (isDryRun) return this.#cleanUp(now, isDryRun);
    for (let tries = 0; ; tries++) {
      const result = await this.database.cleanupLease.hold(() => this.#cleanUp(now, isDryRun));
      if (result) return result;
      if (this.#isClosing) return nothingDone();
      if (tries === 0) onWait();
      await setTimeout(LOOK_INTERVAL_MS, undefined, { ref: false });
    }
  }

  /**
   * Settles every unfinished change, however recent. Only for a start at which no other process can be working on a
   * change. Records that fail stay for the next run.
   */
  async settleUnfinished(): Promise<void> {
    const result = nothingDone();
    await this.#settleBegunBefore(new Date(+(await this.database.media.readClock()) + 1), result, false);
    if (result.abandonedCount + result.settledCount > 0)
      this.log.info(result, "settled changes that a crash had interrupted");
  }

  async #settleBegunBefore(before: Date, result: CleanupResult, isDryRun: boolean): Promise<void> {
    await this.#inBatches(
      result,
      (skipCount) => this.database.upkeep.findUnsettled(before, BATCH_COUNT, skipCount),
      async (unsettled) => {
        result[await this.#settle(unsettled, isDryRun)] += 1;
        return !isDryRun;
      },
    );
  }

  async #cleanUp(at: Date | undefined, isDryRun: boolean): Promise<CleanupResult> {
    const { upkeep, media: mediaRepository } = this.database;
    const result = nothingDone();
    const now = at ?? (await mediaRepository.readClock());
    const graceCutoff = new Date(now.getTime() - GRACE_PERIOD_MS);
    await this.#settleBegunBefore(graceCutoff, result, isDryRun);
    const retentionCutoff = new Date(now.getTime() - this.settings.retentionMs);
    const hiddenBefore = new Date(now.getTime() - HIDDEN_EVERYWHERE_MS);
    await this.#inBatches(
      result,
      (skipCount) => upkeep.findRetired(retentionCutoff, BATCH_COUNT, skipCount),
      async ({ media }) => {
        await this.#assertUnused(media);
        const isRemoved = isDryRun || (await this.#removeRetired(media, retentionCutoff, hiddenBefore));
        if (isRemoved) result.removedCount += 1;
        return isRemoved && !isDryRun;
      },
    );
    if (!isDryRun)
      for (const key of Object.keys(result) as (keyof CleanupResult)[]) this.totals[key] += result[key];
    if (Object.values(result).some((count) => count > 0)) this.log.info(result, "cleaned up");
    return result;
  }

  /**
   * Handles records, oldest first, until `find` finds no more. Skips records that `handle` left as they were.
   *
   * @param handle resolves to true if `find` does not find the record any more
   */
  async #inBatches<Found extends { media: Media }>(
    result: CleanupResult,
    find: (skipCount: number) => Promise<Found[]>,
    handle: (record: Found) => Promise<boolean>,
  ): Promise<void> {
    for (let skipCount = 0; ;) {
      const batch = await find(skipCount);
      for (const record of batch) {
        if (this.#isClosing) return;
        try {
          if (!(await handle(record))) skipCount += 1;
        } catch (error) {
          skipCount += 1;
          result.failedCount += 1;
          this.log.error(
            { err: error, mediaId: record.media.id },
            "a media could not be cleaned up; the next run tries again",
          );
        }
      }
      if (batch.length < BATCH_COUNT) return;
    }
  }

  /** Finishes a change or removes its upload. The owner's pointer shows how far the interrupted process came. */
  async #settle(
    { media, status, isDeleted, replacesId }: UnsettledMedia,
    isDryRun: boolean,
  ): Promise<"abandonedCount" | "settledCount"> {
    const { users, media: mediaRepository, upkeep } = this.database;
    const currentId = await users.findPictureId(media.uploaderId);
    const isCurrent = currentId === media.id;
    const outcome = !isCurrent && status === "pending" ? "abandonedCount" : "settledCount";
    if (isDryRun) return outcome;
    if (isCurrent) {
      // The process died while the owner was restoring this picture.
      if (isDeleted) await mediaRepository.reinstate(media.id);
      const change = { currentId: media.id, clearsCurrentMark: true };
      // The owner may be restoring the replaced picture right now: `retire` reads the pointer again.
      if (replacesId) await this.lifecycle.retire(media.uploaderId, { ...change, retiredId: replacesId });
      else await mediaRepository.settle({ ...change, retiredId: null });
    } else if (status === "pending") {
      const isClaimed = await upkeep.claimAbandoned(media.id);
      if (!isClaimed) throw new Error("the upload has continued"); // The next run looks again.
      await this.#remove(media);
    } else {
      await this.lifecycle.retire(media.uploaderId, { retiredId: media.id, currentId: null });
    }
    return outcome;
  }

  /** @throws Error for a retired media that is still its uploader's picture: another program did this, so it is kept */
  async #assertUnused({ id, uploaderId }: Media): Promise<void> {
    const currentId = await this.database.users.findPictureId(uploaderId);
    if (currentId === id)
      throw new Error("a retired media is still its uploader's profile picture: run the doctor");
  }

  /** @returns false when the owner has just restored the media, or another process may still show it */
  async #removeRetired(media: Media, before: Date, hiddenBefore: Date): Promise<boolean> {
    const isClaimed = await this.database.upkeep.claimRetired(media.id, before, hiddenBefore);
    if (isClaimed) await this.#remove(media);
    return isClaimed;
  }

  /** Deletes the objects before the record, because only the record has their keys. */
  async #remove(media: Media): Promise<void> {
    await this.storage.delete(media.objectKey);
    await this.storage.delete(media.thumbnailKey);
    await this.database.upkeep.remove(media.id);
  }
}

function nothingDone(): CleanupResult {
  return { abandonedCount: 0, settledCount: 0, removedCount: 0, failedCount: 0 };
}
