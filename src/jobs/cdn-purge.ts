// Purges deleted and replaced pictures from the CDN. Each process purges the changes that it made. Requests do not wait
// for purges.
import type { FastifyBaseLogger } from "fastify";

import { withTag, type PurgeConfig } from "../config/config.ts";
import type { MediaRepository } from "../database/media-repository.ts";
import { mediaTag, userTag, type CacheTag } from "../domain/cache-tags.ts";
import { HIDDEN_EVERYWHERE_MS } from "../domain/media.ts";
import { until } from "../runtime/until.ts";

/**
 * Each tag is purged at once, and again after this time. Another process may have shown the picture until it saw the
 * change, and the CDN may have fetched the picture from that process after the first purge.
 */
const AGAIN_AFTER_MS = HIDDEN_EVERYWHERE_MS + 1_000;

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONCURRENT = 8;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** Maximum number of tags that wait for a purge. Above it, the oldest are given up. */
const MAX_WAITING_COUNT = 20_000;

/** How far back a start repeats purges, because a killed process may not have sent them. */
const LOOK_BACK_MS = 2 * 60_000;

/** How long `close()` waits for the CDN after the last purge is due. */
const CLOSE_TIMEOUT_MS = 2_000;

export class CdnPurge {
  readonly totals = { purged: 0, failed: 0, givenUp: 0 };
  readonly #waiting = new Set<CacheTag>();
  /** Tags whose purge failed and that wait for the end of the back-off. The tags in `#waiting` do not wait for them. */
  readonly #refused = new Set<CacheTag>();
  /** Timers of second purges, by tag. */
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

  /** Number of purges that are still to be done. */
  get waitingCount(): number {
    return this.#waiting.size + this.#refused.size + this.#later.size + this.#underWayCount;
  }

  /** Purges all changes of the last `LOOK_BACK_MS`: a process that was killed may not have purged them. */
  async start(media: Pick<MediaRepository, "findChangedSince" | "readClock">): Promise<void> {
    try {
      const clock = await media.readClock();
      for (const { mediaId, uploaderId } of await media.findChangedSince(new Date(+clock - LOOK_BACK_MS))) {
        this.purge(mediaTag(mediaId));
        this.purge(userTag(uploaderId));
      }
    } catch (error) {
      this.log.warn(
        { err: error },
        "changes shortly before the start could not be read, and are not purged from the CDN",
      );
    }
  }

  /** Returns at once. Repeats a failed purge until it succeeds, or until more than `MAX_WAITING_COUNT` tags wait. */
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
   * Waits until both purges of every tag are done, but at most `CLOSE_TIMEOUT_MS` after the last one is due.
   *
   * @returns number of purges that were not done
   */
  async close(): Promise<number> {
    this.#resume();
    await until(() => this.waitingCount === 0, AGAIN_AFTER_MS + CLOSE_TIMEOUT_MS);
    const leftCount = this.waitingCount;
    if (leftCount > 0)
      this.log.warn(
        { count: leftCount },
        "stopped before all purges were done; the CDN may still show deleted or replaced pictures",
      );
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
        await this.#pause(); // Ends early when a tag is added to `#waiting`.
        continue;
      }
      const some = [...queue].slice(0, MAX_CONCURRENT);
      for (const tag of some) queue.delete(tag);
      const outcomes = await Promise.all(some.map((tag) => this.#send(tag)));
      if (outcomes.some(Boolean)) this.#resume();
      if (!outcomes.every(Boolean)) this.#backOff();
    }
    this.#work = null; // In the same event-loop turn as the check of the queues: the next `#add` starts the loop again.
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
      if (!response.ok) throw new Error(`the CDN answered ${response.status}`);
      this.totals.purged += 1;
      return true;
    } catch (error) {
      this.totals.failed += 1;
      this.log.error({ err: error, tag }, "a tag could not be purged from the CDN; the purge is tried again");
      if (!this.#waiting.has(tag)) this.#refused.add(tag);
      this.#giveUpOldest();
      return false;
    } finally {
      this.#underWayCount -= 1;
    }
  }
}
