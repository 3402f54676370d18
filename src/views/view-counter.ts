// Counts views: each is journalled before its answer is sent, and all go to the database together. Called by
// `rest/media.route.ts` for each view, and by `services/media-service.ts` whenever somebody reads a count.
import { setTimeout } from "node:timers/promises";

import type { FastifyBaseLogger } from "fastify";

import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { ViewCount } from "../domain/media.ts";
import { BatchMarks } from "./batch-marks.ts";
import type { ViewBatch } from "./view-batch.ts";
import type { ViewJournal } from "./view-journal.ts";

/** Far more often than others wait for before they take this process for dead. */
const TOUCH_INTERVAL_MS = 2_000;

/** A process that stops waits no longer for the database. */
const LAST_FLUSH_MS = 4_000;

/** How often to look whether other processes have died. */
const ADOPTION_INTERVAL_MS = 10_000;

export class ViewCounter {
  /** Takes new views. */
  #open: ViewBatch;
  /** On their way to the database, in their order: a batch is in the records before the next one is added. */
  #sealed: ViewBatch[] = [];
  /** In the records, and their files are still there. */
  readonly #added: ViewBatch[] = [];
  #countedTotal = 0;
  #flush: Promise<void> | null = null;
  readonly #marks: BatchMarks;
  readonly #timers: NodeJS.Timeout[] = [];

  /** @param flushIntervalMs views that are lost with a disk, or by a power cut, are at most those of this time */
  constructor(
    readonly counts: ViewCountRepository,
    readonly journal: ViewJournal,
    readonly flushIntervalMs: number,
    readonly log: FastifyBaseLogger,
  ) {
    this.#open = journal.createBatch();
    this.#marks = new BatchMarks(counts);
  }

  /** Takes over what a process before has left, and flushes from time to time. */
  async start(): Promise<void> {
    const repeat = (work: () => Promise<void>, intervalMs: number) =>
      this.#timers.push(setInterval(() => void work(), intervalMs).unref());
    repeat(() => this.journal.touch(), TOUCH_INTERVAL_MS);
    repeat(() => this.flush(), this.flushIntervalMs);
    repeat(() => this.adopt(), ADOPTION_INTERVAL_MS);
    await this.adopt();
  }

  /** Counts one view. Resolves when it will survive a crash of this process, and never rejects. */
  count(id: MediaId): Promise<void> {
    this.#countedTotal += 1;
    this.#open.add(id);
    return this.journal.append(this.#open, id);
  }

  /** Views counted since the start, and those that are not known to be in a record. */
  get totals(): { counted: number; pending: number } {
    const pending = this.#batches.reduce((sum, batch) => sum + batch.total, 0);
    return { counted: this.#countedTotal, pending };
  }

  /**
   * To be called before records are read. What it returns says of each record that was read how many views it lacks:
   * a batch may have reached the record in between.
   */
  beforeReading(): (read: ViewCount) => number {
    const batches = this.#batches;
    return ({ id, viewBatches }) => {
      const lacking = batches.filter((batch) => !batch.isIn(viewBatches));
      return lacking.reduce((sum, { counts }) => sum + (counts.get(id) ?? 0), 0);
    };
  }

  /** Adds all views to the records. Those that could not be added stay, and are tried again under the same name. */
  flush(): Promise<void> {
    this.#flush ??= this.#flushOnce().finally(() => {
      this.#flush = null;
    });
    return this.#flush;
  }

  /** Takes over the views of processes that are no more. */
  async adopt(): Promise<void> {
    try {
      const abandoned = await this.journal.adopt();
      if (abandoned.length === 0) return;
      this.#sealed.push(...abandoned);
      this.log.info({ viewCount: totalOf(abandoned) }, "took over the views of a process that was killed");
    } catch (error) {
      this.log.error({ err: error }, "the journal of views could not be read");
    }
  }

  /** Flushes for the last time, if the database answers soon. What cannot be flushed is found by the next process. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const flushing = this.#flushLast();
    await Promise.race([flushing, setTimeout(LAST_FLUSH_MS, undefined, { ref: false })]);
    await this.journal.close();
  }

  async #flushLast(): Promise<void> {
    await this.#flush;
    await this.flush();
    await this.#unmark({ keptMs: 0 });
  }

  get #batches(): ViewBatch[] {
    return [...this.#sealed, this.#open];
  }

  /** One batch at most is sealed: while the database is away, views gather in the open one. */
  async #flushOnce(): Promise<void> {
    try {
      await this.#addSealed();
      if (this.#open.counts.size > 0) {
        this.#seal();
        await this.#addSealed();
      }
      await this.#removeAdded();
      await this.#unmark();
    } catch (error) {
      this.log.error({ err: error, viewCount: this.totals.pending }, "views could not be flushed; they stay");
    }
  }

  #seal(): void {
    this.#sealed.push(this.#open);
    this.#open = this.journal.createBatch();
  }

  async #addSealed(): Promise<void> {
    for (let batch = this.#sealed[0]; batch; batch = this.#sealed[0]) {
      const isTaken = await this.journal.isTaken(batch);
      if (batch.counts.size > 0 && !isTaken) await this.counts.add(batch.counts, batch);
      this.#sealed = this.#sealed.filter((other) => other !== batch);
      this.#added.push(batch);
    }
  }

  /** One whose file stays is added again by the next process: it is tried again until then. */
  async #removeAdded(): Promise<void> {
    for (let batch = this.#added[0]; batch; batch = this.#added[0]) {
      await this.journal.remove(batch);
      this.#added.shift();
      this.#marks.note(batch);
    }
  }

  /** Not while a batch may be added again: its marks are what tells that it is there. */
  async #unmark(options = {}): Promise<void> {
    if (this.#sealed.length > 0 || this.#added.length > 0) return;
    try {
      await this.#marks.remove(options);
    } catch (error) {
      this.log.debug({ err: error }, "records bear names of batches that nobody needs; it is tried again");
    }
  }
}

function totalOf(batches: readonly ViewBatch[]): number {
  return batches.reduce((sum, { total }) => sum + total, 0);
}
