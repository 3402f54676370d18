// Copies everything that must survive a restart into another folder, while the service runs.
import { chmod, cp, readdir, rename } from "node:fs/promises";
import path from "node:path";

import { loadConfig, type Config } from "../config/config.ts";
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import { makeFolder, nullIfMissing } from "../runtime/files.ts";
import { createStorage } from "../storage/create-storage.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface BackupResult {
  /** False if the records are in MongoDB: the operator copies them with MongoDB's own tools. */
  hasRecords: boolean;
  objectCount: number;
  /** Keys of objects of shown pictures that are neither in the copy nor in the storage. */
  missing: string[];
}

/**
 * Copies the records first and the objects after them. Objects never change, and the objects of a deleted picture stay
 * for the retention time. The copy is therefore complete, as of the moment of its records, unless objects that the
 * records name are missing. The folder is called `<folder>.unfinished` until the copy is complete.
 *
 * @throws Error when the folder, or `<folder>.unfinished` of an interrupted copy, is not empty
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

/** Looks up every object of shown pictures: a storage that is not mounted lists no objects, and throws no error. */
async function findMissing(
  { database: { upkeep }, storage }: { database: Database; storage: ObjectStorage },
  copy: ObjectStorage,
): Promise<string[]> {
  const missing: string[] = [];
  for await (const page of upkeep.examineAll()) {
    for (const examined of page.filter(isShown)) {
      for (const objectKey of [examined.media.objectKey, examined.media.thumbnailKey]) {
        // An object that was uploaded after the copy is only in the storage.
        const isThere = (await copy.stat(objectKey)) ?? (await storage.stat(objectKey));
        const isStillShown = async () => {
          const now = await upkeep.examine(examined.media.id);
          return now !== null && isShown(now);
        };
        if (!isThere && (await isStillShown())) missing.push(objectKey);
      }
    }
  }
  return missing;
}

function isShown({ isOurs, isPending, isDeleted, isBeingRemoved }: ExaminedMedia): boolean {
  return isOurs && !isPending && !isDeleted && !isBeingRemoved;
}

async function assertEmpty(folder: string): Promise<void> {
  const names = (await nullIfMissing(readdir(folder))) ?? [];
  if (names.length > 0) throw new Error(`${folder} is not empty`);
}

async function copyObjects(from: ObjectStorage, to: ObjectStorage): Promise<number> {
  let objectCount = 0;
  for await (const { objectKey } of from.list()) {
    const bytes = await from.read(objectKey);
    if (!bytes) continue; // Deleted after it was listed, or an unfinished upload.
    await to.put(objectKey, bytes);
    objectCount += 1;
  }
  return objectCount;
}
