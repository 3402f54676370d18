// Copies everything that has to survive into another folder, while the service runs. Called by `cli/backup.ts`.
import { chmod, cp, readdir, rename } from "node:fs/promises";
import path from "node:path";

import { loadConfig, type Config } from "../config.ts";
import type { Database } from "../database/connection.ts";
import { createStorage } from "../storage/create-storage.ts";
import { makeFolder } from "../storage/make-folder.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface BackupResult {
  /** False where the records are in a MongoDB: its own tools copy them. */
  hasRecords: boolean;
  objectCount: number;
}

/**
 * Records first, objects after: an object that a record names is never written again, and is there for as long as a
 * deleted picture is kept. So the copy is whole, as of the moment of its records. It bears its name only then.
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
  const objectCount = await copyObjects(source.storage, await createStorage(target.storage));
  await rename(target.instanceDir, folder);
  return { hasRecords, objectCount };
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
