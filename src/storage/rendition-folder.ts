// Keeps squares of pictures on the disk: a folder for each media, with a limit on the bytes of all folders. The
// operator may delete the files at any time.
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

import { Cache } from "../runtime/cache.ts";
import { makeFolder, nullIfMissing, writeDurably } from "../runtime/files.ts";
import { isId, type MediaId } from "../domain/ids.ts";

/** Size of a disk block. A file takes whole blocks, a folder takes one, and most squares are smaller than one. */
const BLOCK_BYTES = 4096;

export class RenditionFolder {
  /** Size of each media's folder on the disk, in bytes. */
  readonly #media: Cache<MediaId, number>;

  constructor(
    readonly rootDir: string,
    maxBytes: number,
  ) {
    this.#media = new Cache({
      maxWeight: maxBytes,
      weightOf: (bytesOnDisk) => bytesOnDisk,
      onEvict: (id) => void this.#removeFolder(id).catch(() => {}),
    });
  }

  get state(): { count: number; weight: number } {
    return this.#media.state;
  }

  /** Returns the ids of all media that have a folder. */
  ids(): MediaId[] {
    return this.#media.keys();
  }

  /** Finds the files that an earlier process has left. */
  async open(): Promise<void> {
    for (const name of await list(this.rootDir)) {
      if (!isId(name)) continue;
      const folder = path.join(this.rootDir, name);
      const sizes = await Promise.all((await list(folder)).map((file) => sizeOf(path.join(folder, file))));
      this.#media.set(
        name,
        sizes.reduce((sum, size) => sum + onDisk(size), BLOCK_BYTES),
      );
    }
  }

  /** Returns the file; null if it was never written, or has been evicted. */
  async read(id: MediaId, name: string): Promise<Buffer | null> {
    this.#media.get(id);
    return nullIfMissing(readFile(path.join(this.rootDir, id, name)));
  }

  /** Writes a file that a reader finds whole or not at all. Does nothing when the folder is removed at the same time. */
  async write(id: MediaId, name: string, bytes: Uint8Array): Promise<void> {
    const folder = path.join(this.rootDir, id);
    const unfinished = path.join(folder, `.${randomBytes(6).toString("hex")}`);
    await makeFolder(folder);
    try {
      await writeDurably(unfinished, bytes);
      await rename(unfinished, path.join(folder, name));
    } catch (error) {
      await rm(unfinished, { force: true });
      if (goneCodes.includes((error as NodeJS.ErrnoException).code ?? "")) return; // The folder was removed at the same time.
      throw error;
    }
    this.#media.set(id, (this.#media.get(id) ?? BLOCK_BYTES) + onDisk(bytes.length));
  }

  /** Removes the files of a media that is no longer visible. */
  async remove(id: MediaId): Promise<void> {
    if (this.#media.get(id) === undefined) return;
    this.#media.delete(id);
    await this.#removeFolder(id);
  }

  async #removeFolder(id: MediaId): Promise<void> {
    // Another request may write into the folder, or remove it, at the same time.
    await rm(path.join(this.rootDir, id), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}

function onDisk(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Error codes of a file or folder that another process has removed. */
const goneCodes = ["ENOENT", "ENOTDIR"];

async function list(folder: string): Promise<string[]> {
  return (await nullIfMissing(readdir(folder), goneCodes)) ?? [];
}

async function sizeOf(file: string): Promise<number> {
  return (await nullIfMissing(stat(file), goneCodes))?.size ?? 0;
}
