// What was made of pictures, on the disk: a folder for each media, within a bound on all of them. It may be deleted at
// any time. Called by `services/renditions.ts` and the programs that remove pictures.
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

import { Cache } from "../runtime/cache.ts";
import { makeFolder, nullIfMissing, writeDurably } from "../runtime/files.ts";
import { isId, type MediaId } from "../domain/ids.ts";

/** A file takes whole blocks of the disk, and its folder one: most squares are smaller than that. */
const BLOCK_BYTES = 4096;

export class RenditionFolder {
  /** What each media's folder takes of the disk, in bytes. */
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

  /** The media of which there is anything. */
  ids(): MediaId[] {
    return this.#media.keys();
  }

  /** Finds what an earlier process has left. */
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

  /** Null where it was never made, or has been given up. */
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
      if (goneCodes.includes((error as NodeJS.ErrnoException).code ?? "")) return; // Only a removal takes a file of that name.
      throw error;
    }
    this.#media.set(id, (this.#media.get(id) ?? BLOCK_BYTES) + onDisk(bytes.length));
  }

  /** Of a media that nobody may see any more. */
  async remove(id: MediaId): Promise<void> {
    if (this.#media.get(id) === undefined) return;
    this.#media.delete(id);
    await this.#removeFolder(id);
  }

  async #removeFolder(id: MediaId): Promise<void> {
    // Another request may be writing into it, or removing it as well.
    await rm(path.join(this.rootDir, id), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}

function onDisk(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Other processes may remove what this one has just seen. */
const goneCodes = ["ENOENT", "ENOTDIR"];

async function list(folder: string): Promise<string[]> {
  return (await nullIfMissing(readdir(folder), goneCodes)) ?? [];
}

async function sizeOf(file: string): Promise<number> {
  return (await nullIfMissing(stat(file), goneCodes))?.size ?? 0;
}
