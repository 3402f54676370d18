// Keeps views that are not in a record yet, so that they survive when the process is killed. Each process has a folder
// with a file for each batch.
import { readdir, rename, rmdir, stat, utimes } from "node:fs/promises";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import type { MediaId } from "../domain/ids.ts";
import { nullIfMissing } from "../runtime/files.ts";
import { BatchFile, readInto } from "./batch-file.ts";
import { createProcessName, isKnownDead } from "./process-name.ts";
import { ViewBatch } from "./view-batch.ts";

/** A process's own folder has the name of the process. A folder that it took over has that name, "~" and a number. */
const folderPattern = /^(?<owner>[\w-]+)(?:~\d+)?$/;
/** The name of the process that counted the batch, and the number of the batch. */
const filePattern = /^(?<writer>[\w-]+)\.(?<number>[1-9]\d*)\.views$/;

/** A process is dead if its folder was untouched for longer. A live process touches its folders every two seconds. */
const ABANDONED_AFTER_MS = 60_000;

export class ViewJournal {
  readonly #self = createProcessName();
  readonly #folders: Set<string>;
  readonly #files = new Map<ViewBatch, BatchFile>();
  /** Modification times of other processes' folders, and when this process's clock first saw them. */
  readonly #lastTouched = new Map<string, { mtimeMs: number; seenAtMs: number }>();
  #batchCount = 0;
  #adoptedCount = 0;

  /** @param isShared true if other live processes may keep their journals in the same folder */
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

  /** Resolves when the view survives a crash of this process, or when the write has failed and was logged. */
  append(batch: ViewBatch, id: MediaId): Promise<void> {
    return this.#files.get(batch)!.append(id);
  }

  /** Shows other processes that this one is alive. */
  async touch(): Promise<void> {
    const now = new Date();
    // A failure is ignored: the folder may not exist yet.
    await Promise.allSettled([...this.#folders].map((folder) => utimes(folder, now, now)));
  }

  /** True if another process has taken the batch: this process had a long pause and appeared to be dead. */
  async isTaken(batch: ViewBatch): Promise<boolean> {
    return this.#files.get(batch)!.isTaken();
  }

  /** Removes the file of a batch that is in the records. */
  async remove(batch: ViewBatch): Promise<void> {
    await this.#files.get(batch)!.remove();
    this.#files.delete(batch);
  }

  /** Removes the empty folders. Call this after the last view is counted. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#folders].map((folder) => rmdir(folder)));
  }

  /**
   * Takes over the batches of dead processes, in ascending order of their numbers: a record with the mark of a later
   * batch would refuse an earlier one. A batch may be in records already, if its process died before it could remove
   * the file.
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
        this.log.error(
          { err: error, name },
          "could not take over a view journal; trying again at the next interval",
        );
      }
    }
    return batches.toSorted((a, b) => a.number - b.number);
  }

  /**
   * Measures how long the folder's modification time does not change. Does not compare that time with a clock: the
   * clocks of two machines may differ, and either may jump.
   */
  async #isAbandoned(name: string, owner: string): Promise<boolean> {
    const found = await stat(path.join(this.root, name));
    if (!found.isDirectory()) return false;
    if (!this.isShared || isKnownDead(owner)) return true;
    const last = this.#lastTouched.get(name);
    if (last?.mtimeMs === found.mtimeMs) return performance.now() - last.seenAtMs > ABANDONED_AFTER_MS;
    this.#lastTouched.set(name, { mtimeMs: found.mtimeMs, seenAtMs: performance.now() });
    return false;
  }

  /** Takes the folder with one rename, so that only one of several processes gets it, with all its files. */
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

/** The first view creates the folder. */
async function list(folder: string): Promise<string[]> {
  return (await nullIfMissing(readdir(folder))) ?? [];
}
