// Records of pictures that can be seen, in memory, so that a view costs no query. Called by `media-service.ts`.
//
// Whoever hides a picture in this process is heard at once, and other processes through the feed of changes; while that
// is not up to date, nothing is known. Once a minute all are looked up, for a program that hides pictures in a way of its
// own.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache, type CacheState } from "../runtime/cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS, type Media } from "../domain/media.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Changes } from "./changes.ts";

/** About a kilobyte each. */
const MAX_COUNT = 50_000;

const REVIEW_INTERVAL_MS = 60_000;

/** So many ids in one query. */
const REVIEW_BATCH_COUNT = 1000;

export class MediaCache {
  readonly #media = new Cache<MediaId, Media | null>({
    maxWeight: MAX_COUNT,
    isStored: (media) => media?.isSettled === true,
    // A query that stalls says nothing of what was hidden since it began.
    maxLoadMs: HIDDEN_EVERYWHERE_MS,
  });
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly media: MediaRepository,
    readonly changeFeed: Pick<ChangeFeed, "isUpToDate">,
    readonly changes: Changes,
    readonly log: FastifyBaseLogger,
  ) {}

  get state(): CacheState {
    return this.#media.state;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#review(), REVIEW_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A visible picture, if its record is in memory. Its view count may be an old one. */
  peek(id: MediaId): Media | undefined {
    return (this.changeFeed.isUpToDate ? this.#media.get(id) : undefined) ?? undefined;
  }

  /** The picture; null when it is not visible. */
  async find(id: MediaId): Promise<Media | null> {
    return this.peek(id) ?? this.#media.reload(id, () => this.media.findById(id));
  }

  /** The visible pictures among `ids`, as they are in the database now, in no particular order. */
  async read(ids: readonly MediaId[]): Promise<Media[]> {
    return this.#media.loadMany(
      () => this.media.findManyByIds(ids),
      ({ id }) => id,
    );
  }

  /** Drops the record of a media. Reads of it that are under way do not store theirs. */
  forget(id: MediaId): void {
    this.#media.delete(id);
  }

  /** Drops every record. Reads that are under way do not store theirs. */
  forgetAll(): void {
    this.#media.clear();
  }

  async #review(): Promise<void> {
    try {
      const ids = this.#media.keys();
      for (let start = 0; start < ids.length; start += REVIEW_BATCH_COUNT) {
        const some = ids.slice(start, start + REVIEW_BATCH_COUNT);
        const visible = new Set(await this.media.findVisibleIds(some));
        for (const id of some) if (!visible.has(id)) this.changes.emit("hiddenPictureFound", id);
      }
    } catch (error) {
      this.log.debug({ err: error }, "the pictures in memory could not be looked up");
    }
  }
}
