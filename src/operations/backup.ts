// Copies everything that has to survive into another folder, while the service runs. Called by `cli/backup.ts`.
import { chmod, cp, readdir, rename } from "node:fs/promises";
import path from "node:path";

import { loadConfig, type Config } from "../config/config.ts";
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import type { MediaId } from "../domain/ids.ts";
import { createStorage } from "../storage/create-storage.ts";
import { makeFolder } from "../storage/make-folder.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

const PAGE_COUNT = 200;

export interface BackupResult {
  /** False where the records are in a MongoDB: its own tools copy them. */
  hasRecords: boolean;
  objectCount: number;
  /** Keys of objects that shown pictures should have, and that are nowhere. */
  missing: string[];
}

/**
 * Records first, objects after: an object that a record names is never written again, and is there for as long as a
 * deleted picture is kept. So the copy is whole, as of the moment of its records, unless objects are missing that those
 * name. It bears its name only when it is whole.
 *
 * @throws Error when there is something of that name already, or a copy that was interrupted
 */
export async function backUp(
  source: { config: Config; database: Database; storage: ObjectStorage },
  folder: string,
): Promise<BackupResult> {
  const target = loadConfig({ INSTANCE_DIR: `${path.resolve(folder)}.unfinished` });
  await assertEmpty(folder);
  await assertEmpty(target.instanceDir);
  await makeFolder(target.instanceDir);
  const { auth, database } = source.config;
  const hasRecords = database.kind === "embedded";
  if (hasRecords && target.database.kind === "embedded") {
    await source.database.copyEmbeddedTo(target.database.file);
    await chmod(target.database.file, 0o600);
  }
  if (auth.kind === "generated-secret") {
    await cp(auth.secretFile, path.join(target.instanceDir, path.basename(auth.secretFile)));
  }
  const copy = await createStorage(target.storage);
  const objectCount = await copyObjects(source.storage, copy);
  const missing = await findMissing(source, copy);
  if (missing.length === 0) await rename(target.instanceDir, folder);
  return { hasRecords, objectCount, missing };
}

/** A storage that is not mounted lists nothing, and is no error. */
async function findMissing(
  { database: { upkeep }, storage }: { database: Database; storage: ObjectStorage },
  copy: ObjectStorage,
): Promise<string[]> {
  const missing: string[] = [];
  for (let afterId: MediaId | null = null; ;) {
    const page: ExaminedMedia[] = await upkeep.findPage(afterId, PAGE_COUNT);
    if (page.length === 0) return missing;
    for (const examined of page.filter(isShown)) {
      for (const objectKey of [examined.media.objectKey, examined.media.thumbnailKey]) {
        const isThere = (await copy.stat(objectKey)) ?? (await storage.stat(objectKey)); // It is newer than the copy.
        const isStillShown = async () => {
          const now = await upkeep.findById(examined.media.id);
          return now !== null && isShown(now);
        };
        if (!isThere && (await isStillShown())) missing.push(objectKey);
      }
    }
    afterId = page.at(-1)!.media.id;
  }
}

function isShown({ isOurs, isPending, isDeleted, isBeingRemoved }: ExaminedMedia): boolean {
  return isOurs && !isPending && !isDeleted && !isBeingRemoved;
}

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length > 0) throw new Error(`${folder} is not empty`);
}

async function copyObjects(from: ObjectStorage, to: ObjectStorage): Promise<number> {
  let objectCount = 0;
  for await (const { objectKey } of from.list()) {
    const bytes = await from.read(objectKey);
    if (!bytes) continue; // Removed meanwhile, or never finished.
    await to.put(objectKey, bytes);
    objectCount += 1;
  }
  return objectCount;
}
