// Finds the pictures that any process has shown or hidden, with an indexed query twice a second, and publishes them.
//
// The times of changes, and the time up to which this process has read them, come from the database's clock, because
// the clocks of processes may differ.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS, type MediaChange } from "../domain/media.ts";

import type { Changes } from "./changes.ts";

const POLL_INTERVAL_MS = 500;

/**
 * How far each poll reaches back before the last one. A change may become visible to queries later than its timestamp
 * says, and the clocks of two database servers may differ. The sum of both must stay below this.
 */
const OVERLAP_MS = 10_000;

export class ChangeFeed {
  /** The last published change of each media, kept while a later poll may find it again. */
  readonly #told = new Map<MediaId, MediaChange>();
  /** When the last successful poll started, by the database's clock. */
  #readUntil: Date | null = null;
  /** The same moment by this process's monotonic clock. */
  #polledAtMs = -Infinity;
  #poll: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly media: Pick<MediaRepository, "findChangedSince" | "readClock">,
    readonly changes: Changes,
    readonly log: FastifyBaseLogger,
  ) {}

  /** True while the last successful poll is less than `HIDDEN_EVERYWHERE_MS` old. */
  get isUpToDate(): boolean {
    return performance.now() - this.#polledAtMs < HIDDEN_EVERYWHERE_MS;
  }

  /** Starts to poll. Resolves when the first poll has ended, also when it failed. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#pollOnce(), POLL_INTERVAL_MS).unref();
    await this.#pollOnce();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#poll;
  }

  #pollOnce(): Promise<void> {
    this.#poll ??= this.#findChanges()
      .catch((error: unknown) => {
        this.log.debug(
          { err: error },
          "change feed query failed; reading records from the database until it succeeds",
        );
      })
      .finally(() => {
        this.#poll = null;
      });
    return this.#poll;
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
    this.#polledAtMs = startedAtMs;
    if (changes.length > 0) this.changes.emit("changesFound", changes);
  }

  #wasTold({ mediaId, changedAt, isHidden, isSettled }: MediaChange): boolean {
    const told = this.#told.get(mediaId);
    if (told === undefined || +told.changedAt !== +changedAt) return false;
    return told.isHidden === isHidden && told.isSettled === isSettled;
  }
}
