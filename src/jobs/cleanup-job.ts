// Finishes what a crash left half done, and removes what is past its use. Started by `app.ts`; it begins from
// records, never from files that it does not know, and several processes may run it at once.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository, UnsettledMedia } from "../database/media-repository.ts";
import type { UserRepository } from "../database/user-repository.ts";
import type { Media } from "../domain/media.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/** Far longer than any upload takes: an older unfinished one has no process any more. */
const GRACE_PERIOD_MS = 60 * 60 * 1000;

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH_COUNT = 100;

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

  constructor(
    readonly users: UserRepository,
    readonly media: MediaRepository,
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

  async run(now = new Date()): Promise<CleanupResult> {
    const result: CleanupResult = { abandonedCount: 0, settledCount: 0, removedCount: 0, failedCount: 0 };
    const graceEnd = new Date(now.getTime() - GRACE_PERIOD_MS);
    await this.#inBatches(
      result,
      (skipCount) => this.media.findUnsettled(graceEnd, BATCH_COUNT, skipCount),
      async (unsettled) => {
        result[await this.#settle(unsettled)] += 1;
      },
    );
    const retentionEnd = new Date(now.getTime() - this.settings.retentionMs);
    await this.#inBatches(
      result,
      (skipCount) => this.media.findRetired(retentionEnd, BATCH_COUNT, skipCount),
      async (retired) => {
        await this.#removeRetired(retired);
        result.removedCount += 1;
      },
    );
    if (Object.values(result).some((count) => count > 0)) this.log.info(result, "cleaned up");
    return result;
  }

  /** Works on the oldest records until there are no more. Those that cannot be dealt with are passed over. */
  async #inBatches<Work extends { media: Media }>(
    result: CleanupResult,
    find: (skipCount: number) => Promise<Work[]>,
    work: (one: Work) => Promise<void>,
  ): Promise<void> {
    for (let failedCount = 0; ;) {
      const batch = await find(failedCount);
      for (const one of batch) {
        if (this.#isClosing) return;
        try {
          await work(one);
        } catch (error) {
          failedCount += 1;
          result.failedCount += 1;
          this.log.error({ err: error, mediaId: one.media.id }, "a media could not be cleaned up");
        }
      }
      if (batch.length < BATCH_COUNT) return;
    }
  }

  /** The owner's pointer says how far the process came. */
  async #settle({ media, status, replacesId }: UnsettledMedia): Promise<"abandonedCount" | "settledCount"> {
    const currentId = await this.users.findPictureId(media.uploaderId);
    if (currentId === media.id) {
      await this.media.settle({ retiredId: replacesId, currentId: media.id });
      return "settledCount";
    }
    if (status === "pending") {
      const isClaimed = await this.media.claimAbandoned(media.id);
      if (!isClaimed) throw new Error("its upload has gone on meanwhile"); // The next run looks again.
      await this.#remove(media);
      return "abandonedCount";
    }
    await this.media.settle({ retiredId: media.id, currentId: null });
    return "settledCount";
  }

  /** A record marked as deleted that somebody shows all the same is another program's doing: it is kept. */
  async #removeRetired({ media }: { media: Media }): Promise<void> {
    const currentId = await this.users.findPictureId(media.uploaderId);
    if (currentId === media.id) throw new Error("a retired media is still somebody's profile picture");
    await this.#remove(media);
  }

  /** Bytes first: once the record is gone, nothing knows where they are. */
  async #remove(media: Media): Promise<void> {
    await this.storage.delete(media.objectKey);
    await this.storage.delete(media.thumbnailKey);
    await this.media.remove(media.id);
  }
}
