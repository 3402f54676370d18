// Keeps views that are in no record yet where a killed process leaves them: in files, one for each batch, of 12 bytes
// for each view. Called by `view-counter.ts`.
//
// A view is written before its answer is sent, all views of one turn of the event loop at once. Nothing is flushed to
// the disk itself: the system keeps what a killed process wrote, and a power cut takes what two seconds brought.
import { createHash, randomBytes } from "node:crypto";
import { closeSync, futimesSync, mkdirSync, openSync, readlinkSync, writeSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import type { MediaId } from "../domain/ids.ts";
import { parseBatchName, ViewBatch } from "./view-batch.ts";

const ID_BYTES = 12;
const FILE_ENDING = ".views";

/** A process that lives touches its files every two seconds. One on another machine is known by that alone. */
const ABANDONED_AFTER_MS = 30_000;

export class ViewJournal {
  /** Machine, process, and what tells this process from an earlier one with the same number. */
  readonly #writer = `${machine}-${process.pid}-${randomBytes(4).toString("hex")}`;
  readonly #files = new Map<ViewBatch, BatchFile>();
  #batchCount = 0;

  /** @param isShared whether other processes that live may keep their journals in the same folder */
  constructor(
    readonly folder: string,
    readonly isShared: boolean,
    readonly log: FastifyBaseLogger,
  ) {}

  createBatch(): ViewBatch {
    const batch = new ViewBatch(this.#writer, ++this.#batchCount);
    this.#files.set(batch, new BatchFile(this.#fileOf(batch), this.log));
    return batch;
  }

  /** Resolves when the view will be found after a crash. It never rejects: where it cannot be written, it is logged. */
  append(batch: ViewBatch, id: MediaId): Promise<void> {
    return this.#files.get(batch)!.append(id);
  }

  /** Says that this process lives. */
  touch(): void {
    for (const file of this.#files.values()) file.touch();
  }

  /** The batch is in the records. */
  async remove(batch: ViewBatch): Promise<void> {
    this.#files.get(batch)?.close();
    this.#files.delete(batch);
    await rm(this.#fileOf(batch), { force: true });
  }

  /** Batches that processes have left that are no more, each writer's in their order. */
  async findAbandoned(): Promise<ViewBatch[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const batches: ViewBatch[] = [];
    for (const name of names) {
      const parsed = name.endsWith(FILE_ENDING) && parseBatchName(name.slice(0, -FILE_ENDING.length));
      if (!parsed || !(await this.#isAbandoned(name, parsed.writer))) continue;
      const batch = new ViewBatch(parsed.writer, parsed.number);
      await readInto(batch, path.join(this.folder, name));
      batches.push(batch);
    }
    return batches.toSorted((a, b) => a.writer.localeCompare(b.writer) || a.number - b.number);
  }

  async #isAbandoned(name: string, writer: string): Promise<boolean> {
    if (writer === this.#writer) return false;
    if (!this.isShared) return true;
    const [itsMachine, pid] = writer.split("-");
    if (itsMachine === machine && !isRunning(Number(pid))) return true;
    const { mtimeMs } = await stat(path.join(this.folder, name));
    return Date.now() - mtimeMs > ABANDONED_AFTER_MS;
  }

  #fileOf(batch: ViewBatch): string {
    return path.join(this.folder, batch.name + FILE_ENDING);
  }
}

/** Within which a process's number is its own: containers may share their host's name, and all begin at 1. */
const machine = createHash("sha256").update(`${hostname()} ${pidNamespace()}`).digest("hex").slice(0, 12);

/** Linux alone has them. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** This process has its own number, also where an earlier one had it. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A process that was killed while it wrote may have left a part of an id at the end. */
async function readInto(batch: ViewBatch, file: string): Promise<void> {
  const bytes = await readFile(file);
  for (let end = ID_BYTES; end <= bytes.length; end += ID_BYTES) {
    batch.add(bytes.toString("hex", end - ID_BYTES, end));
  }
}

/** The file of one batch, made with its first view. */
class BatchFile {
  #descriptor: number | null = null;
  #writtenBytes = 0;
  #unwritten: MediaId[] = [];
  #writing: Promise<void> | null = null;
  #isFailing = false;

  constructor(
    readonly file: string,
    readonly log: FastifyBaseLogger,
  ) {}

  append(id: MediaId): Promise<void> {
    this.#unwritten.push(id);
    this.#writing ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#writing = null;
        this.#write();
        resolve();
      });
    });
    return this.#writing;
  }

  touch(): void {
    if (this.#descriptor === null) return;
    const now = new Date();
    try {
      futimesSync(this.#descriptor, now, now);
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  /** Synchronous, as it only copies into the system's memory: a thread would cost more. */
  #write(): void {
    const bytes = Buffer.from(this.#unwritten.join(""), "hex");
    this.#unwritten = [];
    try {
      this.#descriptor ??= openFile(this.file);
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#writtenBytes + done);
      }
      this.#writtenBytes += bytes.length;
      this.#isFailing = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Once, not for each view: a full disk stays full for a while. */
  #fail(error: unknown): void {
    if (!this.#isFailing) {
      this.log.error(
        { err: error },
        "views cannot be journalled: those of a process that is killed would be lost",
      );
    }
    this.#isFailing = true;
  }
}

function openFile(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return openSync(file, "wx", 0o600);
}
