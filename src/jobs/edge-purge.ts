// Tells the cache at the edge to forget pictures that were deleted or replaced: each process what it has changed itself,
// and nobody waits for that. Made by `parts.ts`, and by `cli/program.ts` for what the operator's programs hide.
import type { FastifyBaseLogger } from "fastify";

import { withTag, type PurgeConfig } from "../config/config.ts";
import type { MediaRepository } from "../database/media-repository.ts";
import { mediaTag, userTag, type CacheTag } from "../domain/cache-tags.ts";
import { HIDDEN_EVERYWHERE_MS } from "../domain/media.ts";
import { until } from "../runtime/until.ts";

/**
 * Each tag is purged at once, and again after this time: another process may have shown the picture until it saw the
 * change, and the edge may have fetched it there after the first purge.
 */
const AGAIN_AFTER_MS = HIDDEN_EVERYWHERE_MS + 1_000;

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONCURRENT = 8;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** While the edge cannot be reached, the oldest are given up beyond these. */
const MAX_WAITING_COUNT = 20_000;

/** A process that was killed may have left so much of the past unpurged. */
const LOOK_BACK_MS = 2 * 60_000;

/** A stop waits no longer for the edge, after the last purge was due. */
const CLOSE_TIMEOUT_MS = 2_000;

export class EdgePurge {
  readonly totals = { purged: 0, failed: 0, givenUp: 0 };
  readonly #waiting = new Set<CacheTag>();
  /** What could not be purged: it waits behind a pause, and holds up nothing else. */
  readonly #refused = new Set<CacheTag>();
  /** To be purged once more. */
  readonly #later = new Map<CacheTag, NodeJS.Timeout>();
  #underWayCount = 0;
  #work: Promise<void> | null = null;
  #pauseMs = 0;
  #pausesUntilMs = 0;
  #endPause: (() => void) | null = null;
  readonly #closing = new AbortController();

  constructor(
    readonly config: PurgeConfig,
    readonly log: FastifyBaseLogger,
  ) {}

  /** How many purges are still to be done. */
  get waitingCount(): number {
    return this.#waiting.size + this.#refused.size + this.#later.size + this.#underWayCount;
  }

  /** Purges what a process that was killed a moment ago may not have purged; some of it a second time. */
  async start(media: Pick<MediaRepository, "findChangedSince" | "readClock">): Promise<void> {
    try {
      const clock = await media.readClock();
      for (const { mediaId, uploaderId } of await media.findChangedSince(new Date(+clock - LOOK_BACK_MS))) {
        this.purge(mediaTag(mediaId));
        this.purge(userTag(uploaderId));
      }
    } catch (error) {
      this.log.warn({ err: error }, "what was changed before the start could not be purged from the edge");
    }
  }

  /** Returns at once. What fails is tried again, until it is done or too much else waits. */
  purge(tag: CacheTag): void {
    clearTimeout(this.#later.get(tag));
    const again = () => {
      this.#later.delete(tag);
      this.#add(tag);
    };
    this.#later.set(tag, setTimeout(again, AGAIN_AFTER_MS));
    this.#add(tag);
  }

  /**
   * Waits until all is purged, the second time as well, or for a few seconds where the edge does not answer.
   *
   * @returns how many tags were not
   */
  async close(): Promise<number> {
    this.#resume();
    await until(() => this.waitingCount === 0, AGAIN_AFTER_MS + CLOSE_TIMEOUT_MS);
    const leftCount = this.waitingCount;
    if (leftCount > 0) this.log.warn({ count: leftCount }, "not purged from the edge");
    this.#closing.abort();
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    this.#waiting.clear();
    this.#refused.clear();
    this.#endPause?.();
    await this.#work;
    return leftCount;
  }

  #add(tag: CacheTag): void {
    if (this.#closing.signal.aborted) return;
    this.#refused.delete(tag);
    this.#waiting.add(tag);
    this.#giveUpOldest();
    this.#endPause?.();
    this.#work ??= this.#sendAll();
  }

  #giveUpOldest(): void {
    for (const queue of [this.#refused, this.#waiting]) {
      for (const oldest of queue) {
        if (this.#waiting.size + this.#refused.size <= MAX_WAITING_COUNT) return;
        queue.delete(oldest);
        this.totals.givenUp += 1;
      }
    }
  }

  async #sendAll(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const queue = this.#waiting.size > 0 ? this.#waiting : this.#refused;
      if (queue.size === 0) break;
      if (queue === this.#refused && performance.now() < this.#pausesUntilMs) {
        await this.#pause(); // Something new may come meanwhile.
        continue;
      }
      const some = [...queue].slice(0, MAX_CONCURRENT);
      for (const tag of some) queue.delete(tag);
      const outcomes = await Promise.all(some.map((tag) => this.#send(tag)));
      if (outcomes.some(Boolean)) this.#resume();
      if (!outcomes.every(Boolean)) this.#backOff();
    }
    this.#work = null; // At once: what comes from now on begins anew.
  }

  #backOff(): void {
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, MIN_BACKOFF_MS), MAX_BACKOFF_MS);
    this.#pausesUntilMs = performance.now() + this.#pauseMs;
  }

  #resume(): void {
    this.#pauseMs = 0;
    this.#pausesUntilMs = 0;
    this.#endPause?.();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#pausesUntilMs - performance.now()).unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = null;
  }

  async #send(tag: CacheTag): Promise<boolean> {
    const { url, method, header, body } = this.config;
    this.#underWayCount += 1;
    try {
      const headers = new Headers(header ? [[...header]] : []);
      if (body) headers.set("content-type", "application/json");
      const response = await fetch(withTag(url, tag), {
        method,
        headers,
        body: body && withTag(body, tag),
        redirect: "manual",
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the edge answered ${response.status}`);
      this.totals.purged += 1;
      return true;
    } catch (error) {
      this.totals.failed += 1;
      this.log.error({ err: error, tag }, "a picture could not be purged from the edge; it is tried again");
      if (!this.#waiting.has(tag)) this.#refused.add(tag);
      this.#giveUpOldest();
      return false;
    } finally {
      this.#underWayCount -= 1;
    }
  }
}
