// Counts views. Each view is written to the journal before its response is sent. All views are added to the database
// together.
import { setTimeout } from "node:timers/promises";

import type { FastifyBaseLogger } from "fastify";

import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { ViewCount } from "../domain/media.ts";
import { BatchMarks } from "./batch-marks.ts";
import type { ViewBatch } from "./view-batch.ts";
import type { ViewJournal } from "./view-journal.ts";

/** Much shorter than the time after which other processes take this one for dead. */
const TOUCH_INTERVAL_MS = 2_000;

/** How long a stopping process waits for the database. */
const LAST_FLUSH_MS = 4_000;

/** How often to look for journals of dead processes. */
const ADOPTION_INTERVAL_MS = 10_000;

export class ViewCounter {
  /** The batch that takes new views. */
  #open: ViewBatch;
  /** Batches on their way to the database, in order: each is in the records before the next one is added. */
  #sealed: ViewBatch[] = [];
  /** Batches that are in the records and whose journal files still exist. */
  readonly #added: ViewBatch[] = [];
  #countedTotal = 0;
  #flush: Promise<void> | null = null;
  readonly #marks: BatchMarks;
  readonly #timers: NodeJS.Timeout[] = [];

  /** @param flushIntervalMs a power cut or the loss of a disk loses at most the views of this time */
  constructor(
    readonly counts: ViewCountRepository,
    readonly journal: ViewJournal,
    readonly flushIntervalMs: number,
    readonly log: FastifyBaseLogger,
  ) {
    this.#open = journal.createBatch();
    this.#marks = new BatchMarks(counts);
  }

  /** Takes over the views of dead processes, and flushes at intervals. */
  async start(): Promise<void> {
    const repeat = (work: () => Promise<void>, intervalMs: number) =>
      this.#timers.push(setInterval(() => void work(), intervalMs).unref());
    repeat(() => this.journal.touch(), TOUCH_INTERVAL_MS);
    repeat(() => this.flush(), this.flushIntervalMs);
    repeat(() => this.adopt(), ADOPTION_INTERVAL_MS);
    await this.adopt();
  }

  /** Counts one view. Resolves when the view is in the journal, or could not be written there. Never rejects. */
  count(id: MediaId): Promise<void> {
    this.#countedTotal += 1;
    this.#open.add(id);
    return this.journal.append(this.#open, id);
  }

  /** Views counted since the start, and views that are not known to be in a record. */
  get totals(): { counted: number; pending: number } {
    const pending = this.#batches.reduce((sum, batch) => sum + batch.total, 0);
    return { counted: this.#countedTotal, pending };
  }

  /**
   * Call this before reading records. The returned function gives the number of views that a record lacks, according
   * to the record's marks: a batch may have reached the record in between.
   */
  beforeReading(): (read: ViewCount) => number {
    const batches = this.#batches;
    return ({ id, viewBatches }) => {
      const lacking = batches.filter((batch) => !batch.isIn(viewBatches));
      return lacking.reduce((sum, { counts }) => sum + (counts.get(id) ?? 0), 0);
    };
  }

  /** Adds all views to the records. Batches that could not be added stay, and are tried again under the same name. */
  flush(): Promise<void> {
    this.#flush ??= this.#flushOnce().finally(() => {
      this.#flush = null;
    });
    return this.#flush;
  }

  /** Takes over the views of dead processes. */
  async adopt(): Promise<void> {
    try {
      const abandoned = await this.journal.adopt();
      if (abandoned.length === 0) return;
      this.#sealed.push(...abandoned);
      this.log.info({ viewCount: totalOf(abandoned) }, "took over the views in journals of dead processes");
    } catch (error) {
      this.log.error({ err: error }, "could not read the view journals; trying again at the next interval");
    }
  }

  /** Flushes for the last time, if the database responds soon. The next process takes over views that are left. */
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

  /** Seals a batch only after all earlier ones are added: while the database is away, views stay in the open batch. */
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
      this.log.error(
        { err: error, viewCount: this.totals.pending },
        "could not add views to the database; keeping them to try again",
      );
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

  /** Tries again at each flush if a file cannot be removed: the next process would add its batch again. */
  async #removeAdded(): Promise<void> {
    for (let batch = this.#added[0]; batch; batch = this.#added[0]) {
      await this.journal.remove(batch);
      this.#added.shift();
      this.#marks.note(batch);
    }
  }

  /** Does nothing while a batch may be added again, because its marks show which records include it. */
  async #unmark(options = {}): Promise<void> {
    if (this.#sealed.length > 0 || this.#added.length > 0) return;
    try {
      await this.#marks.remove(options);
    } catch (error) {
      this.log.debug(
        { err: error },
        "could not remove obsolete batch marks from records; trying again later",
      );
    }
  }
}

function totalOf(batches: readonly ViewBatch[]): number {
  return batches.reduce((sum, { total }) => sum + total, 0);
}
