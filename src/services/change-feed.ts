// What has become of pictures, in whatever process: one query on an index, twice a second, tells all who have to know.
// Heard by `known-media.ts` and `live-changes.ts`.
//
// Changes bear the time of the database, and so does the place up to which this process has read: no clock of ours counts.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS, type MediaChange } from "../domain/media.ts";

import type { Changes } from "./changes.ts";

const LOOK_INTERVAL_MS = 500;

/**
 * How far before the last look the next one begins: so long a change may take from getting its time to being seen, and so
 * much the clocks of two database servers may differ.
 */
const OVERLAP_MS = 10_000;

export class ChangeFeed {
  /** What was told of each media that a look may find again. */
  readonly #told = new Map<MediaId, MediaChange>();
  /** When the last look began that succeeded, by the database's clock; */
  #readUntil: Date | null = null;
  /** and by this process's own stopwatch. */
  #lookedAtMs = -Infinity;
  #look: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly media: Pick<MediaRepository, "findChangedSince" | "readClock">,
    readonly changes: Changes,
    readonly log: FastifyBaseLogger,
  ) {}

  /** Whether all is known that happened until two seconds ago. */
  get isUpToDate(): boolean {
    return performance.now() - this.#lookedAtMs < HIDDEN_EVERYWHERE_MS;
  }

  /** Resolves when the first look is done, whether it succeeded or not. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#lookOnce(), LOOK_INTERVAL_MS).unref();
    await this.#lookOnce();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
  }

  #lookOnce(): Promise<void> {
    this.#look ??= this.#findChanges()
      .catch((error: unknown) => {
        this.log.debug(
          { err: error },
          "nobody knows which pictures have changed; each view asks the database",
        );
      })
      .finally(() => {
        this.#look = null;
      });
    return this.#look;
  }

  async #findChanges(): Promise<void> {
    const startedAtMs = performance.now();
    const clock = await this.media.readClock();
    const since = new Date(Math.min(+clock, +(this.#readUntil ?? clock)) - OVERLAP_MS);
    const changes = (await this.media.findChangedSince(since)).filter((change) => !this.#wasTold(change));
    for (const change of changes) this.#told.set(change.mediaId, change);
    for (const [id, { changedAt }] of this.#told) if (changedAt <= since) this.#told.delete(id);
    this.#readUntil = clock;
    if (!this.isUpToDate) this.changes.emit("changesMissed");
    this.#lookedAtMs = startedAtMs;
    if (changes.length > 0) this.changes.emit("changesFound", changes);
  }

  #wasTold({ mediaId, changedAt, isHidden, isSettled }: MediaChange): boolean {
    const told = this.#told.get(mediaId);
    if (told === undefined || +told.changedAt !== +changedAt) return false;
    return told.isHidden === isHidden && told.isSettled === isSettled;
  }
}
