// Finishes what a crash left half done, and removes what is past its use. Started by `app.ts`; it begins from
// records, never from files that it does not know. Of several processes one runs it at a time.
import { setTimeout } from "node:timers/promises";

import type { FastifyBaseLogger } from "fastify";

import type { Database } from "../database/connection.ts";
import type { UnsettledMedia } from "../database/media-upkeep.ts";
import { GRACE_PERIOD_MS, HIDDEN_EVERYWHERE_MS, type Media } from "../domain/media.ts";
import type { PictureLifecycle } from "../services/picture-lifecycle.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH_COUNT = 100;

/** How often to look whether another process has done with it. */
const LOOK_INTERVAL_MS = 500;

/** What one run did. */
export interface CleanupResult {
  /** Uploads that never became complete: objects and record removed. */
  abandonedCount: number;
  /** Changes of a picture that were finished on behalf of a process that died. */
  settledCount: number;
  /** Retired media past the retention time: objects and record removed. */
  removedCount: number;
  /** Records that could not be dealt with; the next run tries again. */
  failedCount: number;
}

export class CleanupJob {
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<unknown> | null = null;
  #isClosing = false;
  /** Of all runs since the start. */
  readonly totals = nothingDone();

  constructor(
    readonly database: Pick<Database, "users" | "media" | "upkeep" | "cleanupLease">,
    readonly lifecycle: PictureLifecycle,
    readonly storage: ObjectStorage,
    readonly settings: { retentionMs: number },
    readonly log: FastifyBaseLogger,
  ) {}

  /** Runs now and then every ten minutes. */
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

  /** Ends a run that is under way behind the record that it is dealing with. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await this.#run;
  }

  /**
   * Waits for its turn where another process is at it.
   *
   * @param now by the database's clock, if nothing else
   * @param isDryRun whether to say what would be done, and do nothing
   * @param onWait called when it begins to wait
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
   * Settles every change that was begun, however lately: for a start at which no other process can be working on one.
   * Failures stay for the next run.
   */
  async settleUnfinished(): Promise<void> {
    const result = nothingDone();
    await this.#settleBegunBefore(new Date(+(await this.database.media.readClock()) + 1), result, false);
    if (result.abandonedCount + result.settledCount > 0)
      this.log.info(result, "settled what a crash had left");
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
    const graceEnd = new Date(now.getTime() - GRACE_PERIOD_MS);
    await this.#settleBegunBefore(graceEnd, result, isDryRun);
    const retentionEnd = new Date(now.getTime() - this.settings.retentionMs);
    const hiddenEverywhere = new Date(now.getTime() - HIDDEN_EVERYWHERE_MS);
    await this.#inBatches(
      result,
      (skipCount) => upkeep.findRetired(retentionEnd, BATCH_COUNT, skipCount),
      async ({ media }) => {
        await this.#assertUnused(media);
        const isRemoved = isDryRun || (await this.#removeRetired(media, retentionEnd, hiddenEverywhere));
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
   * Works on the oldest records until there are no more. Those that stay as they are are passed over.
   *
   * @param work whether the record is not among those that `find` finds any more
   */
  async #inBatches<Work extends { media: Media }>(
    result: CleanupResult,
    find: (skipCount: number) => Promise<Work[]>,
    work: (one: Work) => Promise<boolean>,
  ): Promise<void> {
    for (let passedOver = 0; ;) {
      const batch = await find(passedOver);
      for (const one of batch) {
        if (this.#isClosing) return;
        try {
          if (!(await work(one))) passedOver += 1;
        } catch (error) {
          passedOver += 1;
          result.failedCount += 1;
          this.log.error({ err: error, mediaId: one.media.id }, "a media could not be cleaned up");
        }
      }
      if (batch.length < BATCH_COUNT) return;
    }
  }

  /** The owner's pointer says how far the process came. */
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
      // The process died while it gave the picture back to its owner, who had restored it.
      if (isDeleted) await mediaRepository.reinstate(media.id);
      const change = { currentId: media.id, isLeft: true };
      // Its owner may restore what it has replaced at this very moment.
      if (replacesId) await this.lifecycle.retire(media.uploaderId, { ...change, retiredId: replacesId });
      else await mediaRepository.settle({ ...change, retiredId: null });
    } else if (status === "pending") {
      const isClaimed = await upkeep.claimAbandoned(media.id);
      if (!isClaimed) throw new Error("its upload has gone on meanwhile"); // The next run looks again.
      await this.#remove(media);
    } else {
      await this.lifecycle.retire(media.uploaderId, { retiredId: media.id, currentId: null });
    }
    return outcome;
  }

  /** A record marked as deleted that somebody shows all the same is another program's doing: it is kept. */
  async #assertUnused({ id, uploaderId }: Media): Promise<void> {
    const currentId = await this.database.users.findPictureId(uploaderId);
    if (currentId === id) throw new Error("a retired media is still somebody's profile picture");
  }

  /** False when its owner has just restored it, or some process may still show it. */
  async #removeRetired(media: Media, before: Date, hiddenBefore: Date): Promise<boolean> {
    const isClaimed = await this.database.upkeep.claimRetired(media.id, before, hiddenBefore);
    if (isClaimed) await this.#remove(media);
    return isClaimed;
  }

  /** Bytes first: once the record is gone, nothing knows where they are. */
  async #remove(media: Media): Promise<void> {
    await this.storage.delete(media.objectKey);
    await this.storage.delete(media.thumbnailKey);
    await this.database.upkeep.remove(media.id);
  }
}

function nothingDone(): CleanupResult {
  return { abandonedCount: 0, settledCount: 0, removedCount: 0, failedCount: 0 };
}
