// The journal of one batch of views: a file with 12 bytes for each view.
//
// A view is written before its response is sent. All views of one event-loop turn are written at once, without an
// fsync. The system keeps the writes of a killed process; a power cut loses the views of `VIEW_FLUSH_SECONDS`.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { access, readFile, rm } from "node:fs/promises";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import type { MediaId } from "../domain/ids.ts";
import type { ViewBatch } from "./view-batch.ts";

const ID_BYTES = 12;

/** Adds the views of a file to the batch. Ignores a partial id at the end, left by a process that was killed. */
export async function readInto(batch: ViewBatch, file: string): Promise<void> {
  const bytes = await readFile(file);
  for (let end = ID_BYTES; end <= bytes.length; end += ID_BYTES) {
    batch.add(bytes.toString("hex", end - ID_BYTES, end));
  }
}

/** The file of one batch, created with the first view. */
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

  /** True if another process has taken the file, because this process appeared to be dead. */
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

  /** Synchronous, because the write only copies into the system's memory. A thread would cost more. */
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

  /** Logs the first of several failures in a row: a full disk stays full for a while. */
  #fail(error: unknown): void {
    if (!this.#isFailing) {
      this.log.error(
        { err: error },
        "the view journal cannot be written; if this process is killed, its latest views are lost",
      );
    }
    this.#isFailing = true;
  }
}

function openFile(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return openSync(file, "wx", 0o600);
}
