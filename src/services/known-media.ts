// Records of pictures that can be seen, in memory, so that a view costs no query. Called by `media-service.ts`.
//
// Whoever hides a picture in this process is heard at once, and other processes through the feed of changes; while that
// is not up to date, nothing is known. Once a minute all are looked up, for a program that hides pictures in a way of its
// own.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { BoundedCache } from "../runtime/bounded-cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS, type Media } from "../domain/media.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Changes } from "./changes.ts";

/** About a kilobyte each. */
const MAX_COUNT = 50_000;

const REVIEW_INTERVAL_MS = 60_000;

/** So many ids in one query. */
const REVIEW_BATCH_COUNT = 1000;

export class KnownMedia {
  readonly #known = new BoundedCache<MediaId, Media>(MAX_COUNT);
  readonly #loading = new Map<MediaId, { media: Promise<Media | null>; startedAtMs: number }>();
  /** For each query that is under way, what was hidden since it began. */
  readonly #hiddenWhileReading = new Set<Set<MediaId>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly media: MediaRepository,
    readonly changeFeed: Pick<ChangeFeed, "isUpToDate">,
    readonly changes: Changes,
    readonly log: FastifyBaseLogger,
  ) {}

  get state(): { count: number; weight: number; hits: number; misses: number } {
    return this.#known.state;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#review(), REVIEW_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A picture that can be seen now, if it is known without a query. Its count of views may be an old one. */
  peek(id: MediaId): Media | undefined {
    return this.changeFeed.isUpToDate ? this.#known.get(id) : undefined;
  }

  /** The picture, or null when nobody may see it. However many ask at once, the database is asked once. */
  async find(id: MediaId): Promise<Media | null> {
    const known = this.peek(id);
    if (known) return known;
    const now = performance.now();
    const underWay = this.#loading.get(id);
    if (underWay && now - underWay.startedAtMs < HIDDEN_EVERYWHERE_MS) return underWay.media;
    const loading = { media: this.media.findById(id), startedAtMs: now };
    this.#loading.set(id, loading);
    try {
      const media = await loading.media;
      const wasHiddenMeanwhile = this.#loading.get(id) !== loading;
      if (media?.isSettled && !wasHiddenMeanwhile) this.#known.set(id, media);
      return media;
    } finally {
      if (this.#loading.get(id) === loading) this.#loading.delete(id);
    }
  }

  /** Those of the pictures that anybody may see, as they are in the database now, in no particular order. */
  async read(ids: readonly MediaId[]): Promise<Media[]> {
    const hiddenMeanwhile = new Set<MediaId>();
    this.#hiddenWhileReading.add(hiddenMeanwhile);
    try {
      const found = await this.media.findManyByIds(ids);
      const isForgotten = !this.#hiddenWhileReading.has(hiddenMeanwhile);
      for (const media of found)
        if (media.isSettled && !isForgotten && !hiddenMeanwhile.has(media.id))
          this.#known.set(media.id, media);
      return found;
    } finally {
      this.#hiddenWhileReading.delete(hiddenMeanwhile);
    }
  }

  /** Drops the record of a media, and makes reads of it that are under way not store theirs. */
  forget(id: MediaId): void {
    this.#known.delete(id);
    this.#loading.delete(id);
    for (const hidden of this.#hiddenWhileReading) hidden.add(id);
  }

  /** Drops every record, and makes reads that are under way not store theirs. */
  forgetAll(): void {
    this.#known.clear();
    this.#loading.clear();
    this.#hiddenWhileReading.clear();
  }

  async #review(): Promise<void> {
    try {
      const ids = this.#known.keys();
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
