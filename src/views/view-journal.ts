// Keeps views that are in no record yet where a killed process leaves them: each process has a folder, with a file for
// each batch. Called by `view-counter.ts`.
import { readdir, rename, rmdir, stat, utimes } from "node:fs/promises";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import type { MediaId } from "../domain/ids.ts";
import { BatchFile, readInto } from "./batch-file.ts";
import { createProcessName, isKnownDead } from "./process-name.ts";
import { ViewBatch } from "./view-batch.ts";

/** A process's own folder bears its name; one that it has taken over has a number behind that. */
const folderPattern = /^(?<owner>[\w-]+)(?:~\d+)?$/;
/** Who counted the batch, and its place in the order. */
const filePattern = /^(?<writer>[\w-]+)\.(?<number>[1-9]\d*)\.views$/;

/** A process that lives touches its folders every two seconds. */
const ABANDONED_AFTER_MS = 60_000;

export class ViewJournal {
  readonly #self = createProcessName();
  readonly #folders: Set<string>;
  readonly #files = new Map<ViewBatch, BatchFile>();
  /** Of others' folders: which time they bore when they were first seen so, and when that was by our own clock. */
  readonly #lastTouched = new Map<string, { mtimeMs: number; seenAtMs: number }>();
  #batchCount = 0;
  #adoptedCount = 0;

  /** @param isShared whether other processes that live may keep their journals in the same place */
  constructor(
    readonly root: string,
    readonly isShared: boolean,
    readonly log: FastifyBaseLogger,
  ) {
    this.#folders = new Set([path.join(root, this.#self)]);
  }

  createBatch(): ViewBatch {
    const batch = new ViewBatch(this.#self, ++this.#batchCount);
    const file = path.join(this.root, this.#self, `${batch.writer}.${batch.number}.views`);
    this.#files.set(batch, new BatchFile(file, this.log));
    return batch;
  }

  /** Resolves when the view will be found after a crash. It never rejects: where it cannot be written, it is logged. */
  append(batch: ViewBatch, id: MediaId): Promise<void> {
    return this.#files.get(batch)!.append(id);
  }

  /** Says that this process lives. */
  async touch(): Promise<void> {
    const now = new Date();
    await Promise.allSettled([...this.#folders].map((folder) => utimes(folder, now, now))); // It may not be there yet.
  }

  /** Whether another process has it now: this one stood still for so long that it was taken for dead. */
  async isTaken(batch: ViewBatch): Promise<boolean> {
    return this.#files.get(batch)!.isTaken();
  }

  /** The batch is in the records. */
  async remove(batch: ViewBatch): Promise<void> {
    await this.#files.get(batch)!.remove();
    this.#files.delete(batch);
  }

  /** Nothing is counted any more. Removes the folders that are empty. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#folders].map((folder) => rmdir(folder)));
  }

  /**
   * Takes over what processes have left that are no more, each one's batches in their order: the first of them may have
   * reached its records, unknown to whoever added it.
   */
  async adopt(): Promise<ViewBatch[]> {
    const batches: ViewBatch[] = [];
    for (const name of await list(this.root)) {
      try {
        const { owner } = folderPattern.exec(name)?.groups ?? {};
        const isForeign = owner !== undefined && owner !== this.#self;
        if (isForeign && (await this.#isAbandoned(name, owner)))
          batches.push(...(await this.#adoptFolder(name)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue; // Another process was faster.
        this.log.error({ err: error, name }, "a journal of views cannot be taken over");
      }
    }
    return batches.toSorted((a, b) => a.number - b.number);
  }

  /** No clocks are compared: on another machine they may differ, and either may jump. */
  async #isAbandoned(name: string, owner: string): Promise<boolean> {
    const found = await stat(path.join(this.root, name));
    if (!found.isDirectory()) return false;
    if (!this.isShared || isKnownDead(owner)) return true;
    const last = this.#lastTouched.get(name);
    if (last?.mtimeMs === found.mtimeMs) return performance.now() - last.seenAtMs > ABANDONED_AFTER_MS;
    this.#lastTouched.set(name, { mtimeMs: found.mtimeMs, seenAtMs: performance.now() });
    return false;
  }

  /** By one rename, so that of several processes one gets all of it. */
  async #adoptFolder(name: string): Promise<ViewBatch[]> {
    const folder = path.join(this.root, `${this.#self}~${++this.#adoptedCount}`);
    await rename(path.join(this.root, name), folder);
    this.#lastTouched.delete(name);
    this.#folders.add(folder);
    const batches: ViewBatch[] = [];
    for (const fileName of await readdir(folder)) {
      const { writer, number } = filePattern.exec(fileName)?.groups ?? {};
      if (!writer) continue;
      const batch = new ViewBatch(writer, Number(number));
      const file = path.join(folder, fileName);
      await readInto(batch, file);
      this.#files.set(batch, new BatchFile(file, this.log));
      batches.push(batch);
    }
    return batches;
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // The first view makes it.
    throw error;
  }
}
