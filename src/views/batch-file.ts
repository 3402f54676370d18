// The journal of one batch of views: a file of 12 bytes for each view. Called by `view-journal.ts`.
//
// A view is written before its answer is sent, all views of one turn of the event loop at once. Nothing is flushed to
// the disk itself: the system keeps what a killed process wrote, and a power cut takes what two seconds brought.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { access, readFile, rm } from "node:fs/promises";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import type { MediaId } from "../domain/ids.ts";
import type { ViewBatch } from "./view-batch.ts";

const ID_BYTES = 12;

/** A process that was killed while it wrote may have left a part of an id at the end. */
export async function readInto(batch: ViewBatch, file: string): Promise<void> {
  const bytes = await readFile(file);
  for (let end = ID_BYTES; end <= bytes.length; end += ID_BYTES) {
    batch.add(bytes.toString("hex", end - ID_BYTES, end));
  }
}

/** The file of one batch, made with its first view. */
export class BatchFile {
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

  /** Whether another process has taken it away, which took this one for dead. */
  async isTaken(): Promise<boolean> {
    if (this.#descriptor === null) return false;
    try {
      await access(this.file);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT";
    }
  }

  async remove(): Promise<void> {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    await rm(this.file, { force: true });
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
