// Keeps the records of visible pictures in memory, so that a view does not need a query.
//
// A record is dropped at once when this process hides the picture, and when the change feed finds that another process
// has hidden it. While the feed is not up to date, records in memory are not used. Once a minute, all of them are
// compared with the database, because a program may hide pictures without setting `changed_at`.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache, type CacheState } from "../runtime/cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS, type Media } from "../domain/media.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Changes } from "./changes.ts";

/** Records in memory, of about 1 KB each. */
const MAX_COUNT = 50_000;

const REVIEW_INTERVAL_MS = 60_000;

export class MediaCache {
  readonly #records = new Cache<MediaId, Media | null>({
    maxWeight: MAX_COUNT,
    shouldStore: (media) => media?.isSettled === true,
    // A stalled query does not see what was hidden since it started, so new callers do not share its result.
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
    return this.#records.state;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#review(), REVIEW_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Returns a visible picture if its record is in memory and the change feed is up to date. Its view count may be
   * outdated.
   */
  peek(id: MediaId): Media | undefined {
    return (this.changeFeed.isUpToDate ? this.#records.get(id) : undefined) ?? undefined;
  }

  /** Finds a picture in memory or in the database. Returns null when it is not visible. */
  async find(id: MediaId): Promise<Media | null> {
    return this.peek(id) ?? this.#records.reload(id, () => this.media.findById(id));
  }

  /** Reads the visible pictures among `ids` from the database, in no particular order. */
  async read(ids: readonly MediaId[]): Promise<Media[]> {
    return this.#records.loadMany(
      () => this.media.findManyByIds(ids),
      ({ id }) => id,
    );
  }

  /** Drops the record of a media. Reads of it that are under way do not store theirs. */
  forget(id: MediaId): void {
    this.#records.delete(id);
  }

  /** Drops every record. Reads that are under way do not store theirs. */
  forgetAll(): void {
    this.#records.clear();
  }

  async #review(): Promise<void> {
    try {
      for await (const id of this.media.findHiddenAmong(this.#records.keys()))
        this.changes.emit("hiddenPictureFound", id);
    } catch (error) {
      this.log.debug({ err: error }, "could not check the records in memory; trying again in a minute");
    }
  }
}
