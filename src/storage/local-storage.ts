// Stores objects as files of one folder.
import fs from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { AppError } from "../errors.ts";
import { makeFolder, nullIfMissing, writeDurably } from "../runtime/files.ts";
import {
  assertObjectKey,
  assertSize,
  isObjectKey,
  keepBytes,
  type LentBytes,
  type ListedObject,
  type ObjectStorage,
} from "./object-storage.ts";
import { Slabs } from "./slabs.ts";
import { WriteProbe } from "./write-probe.ts";

/** Takes half the time of `node:fs/promises`, which makes an object of each descriptor and reads in parts. */
const readFile = promisify(fs.readFile);
const [openFile, readFrom, closeFile] = [promisify(fs.open), promisify(fs.read), promisify(fs.close)];

/** More than the largest upload, 800 KB. A slab takes as much physical memory as the largest object read into it. */
const SLAB_BYTES = 1024 * 1024;
/** Maximum number of objects that are lent in slabs at once. Further objects are read into new buffers. */
const MAX_SLABS = 64;

const UNFINISHED_PREFIX = ".unfinished-";

export class LocalStorage implements ObjectStorage {
  readonly #probe = new WriteProbe(this);
  readonly #slabs = new Slabs(SLAB_BYTES, MAX_SLABS);

  constructor(readonly rootDir: string) {}

  /** Writes a temporary file, flushes and renames it, so that a reader finds the whole object or none. */
  async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(objectKey);
    const unfinished = this.#unfinishedFileOf(objectKey);
    await this.#translating(async () => {
      try {
        await this.#writeIntoFolder(unfinished, bytes);
        await rename(unfinished, file);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
      await flushFolder(this.rootDir);
    });
  }

  async read(objectKey: string, sizeBytes: number | null = null): Promise<Buffer | null> {
    if (!isObjectKey(objectKey)) return null;
    const file = this.#fileOf(objectKey);
    const bytes = await this.#translating(() => nullIfMissing(readFile(file), missingCodes));
    if (bytes) assertSize(objectKey, bytes.length, sizeBytes);
    return bytes;
  }

  async lend(objectKey: string, sizeBytes: number | null): Promise<LentBytes | null> {
    const isUsual = sizeBytes !== null && sizeBytes < SLAB_BYTES && isObjectKey(objectKey);
    const slab = isUsual ? this.#slabs.take() : undefined;
    if (slab) {
      const length = await readInto(slab.memory, this.#fileOf(objectKey)).catch(() => null);
      if (length !== null && length === sizeBytes)
        return { bytes: slab.memory.subarray(0, length), giveBack: slab.giveBack };
      slab.giveBack(true);
    }
    const bytes = await this.read(objectKey, sizeBytes); // Throws if the file is damaged or cannot be read.
    return bytes && keepBytes(bytes);
  }

  async stat(objectKey: string): Promise<{ sizeBytes: number } | null> {
    if (!isObjectKey(objectKey)) return null;
    const file = this.#fileOf(objectKey);
    const found = await this.#translating(() => nullIfMissing(stat(file), missingCodes));
    return found && { sizeBytes: found.size };
  }

  async sign(): Promise<null> {
    return null;
  }

  async findOrigins(): Promise<string[]> {
    return [];
  }

  async delete(objectKey: string): Promise<void> {
    if (!isObjectKey(objectKey)) return;
    const [file, unfinished] = [this.#fileOf(objectKey), this.#unfinishedFileOf(objectKey)];
    await this.#translating(async () => {
      await rm(file, { force: true });
      await rm(unfinished, { force: true });
    });
  }

  async *list(): AsyncGenerator<ListedObject> {
    const names = await this.#translating(() => nullIfMissing(readdir(this.rootDir)));
    for (const name of names ?? []) {
      const found = await this.#translating(() =>
        nullIfMissing(stat(path.join(this.rootDir, name)), missingCodes),
      );
      const objectKey = name.startsWith(UNFINISHED_PREFIX) ? name.slice(UNFINISHED_PREFIX.length) : name;
      if (!found?.isFile() || !isObjectKey(objectKey)) continue;
      yield { objectKey, sizeBytes: found.size, modifiedAt: found.mtime };
    }
  }

  check(): Promise<void> {
    return this.#probe.check();
  }

  /** Writes a file. Creates the folder if it does not exist. */
  async #writeIntoFolder(file: string, bytes: Uint8Array): Promise<void> {
    try {
      await writeDurably(file, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      const created = await makeFolder(this.rootDir);
      if (created) await flushFolder(path.dirname(created));
      await writeDurably(file, bytes);
    }
  }

  #fileOf(objectKey: string): string {
    assertObjectKey(objectKey);
    return path.join(this.rootDir, objectKey);
  }

  /** The temporary file of an object. The key is in its name, so that `delete` also removes it after a crash. */
  #unfinishedFileOf(objectKey: string): string {
    return path.join(this.rootDir, UNFINISHED_PREFIX + objectKey);
  }

  async #translating<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      throw new AppError("STORAGE_UNAVAILABLE", "Pictures cannot be stored or read right now.", { cause });
    }
  }
}

/** Error codes for a missing object. A damaged record may hold a name that is too long, or that of a folder. */
const missingCodes = ["ENOENT", "ENAMETOOLONG", "EISDIR"];

/** Makes new names in a folder durable. Windows can flush files only, and does not need this. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @returns number of bytes that were read: fewer than `memory` has if the file is shorter */
async function readInto(memory: Buffer, file: string): Promise<number> {
  const descriptor = await openFile(file, "r");
  try {
    const { bytesRead } = await readFrom(descriptor, memory, 0, memory.length, 0);
    return bytesRead;
  } finally {
    await closeFile(descriptor);
  }
}
