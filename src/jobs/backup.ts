// Copies everything that has to survive into another folder, while the service runs. Called by `cli/backup.ts`.
import { chmod, cp, mkdir, readdir } from "node:fs/promises";
import path from "node:path";

import type { Config } from "../config.ts";
import type { Database } from "../database/connection.ts";
import { createStorage } from "../storage/create-storage.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface BackupResult {
  /** False where the records are in a MongoDB: its own tools copy them. */
  hasRecords: boolean;
  objectCount: number;
}

/**
 * Records first, objects after: an object that a record names is never written again, and is there for as long as a
 * deleted picture is kept. So the copy is whole, as of the moment of its records.
 *
 * @param target a configuration whose `instanceDir` is where the copy goes
 * @throws Error when there is something in that folder already
 */
export async function backUp(
  source: { config: Config; database: Database; storage: ObjectStorage },
  target: Config,
): Promise<BackupResult> {
  await mkdir(target.instanceDir, { recursive: true, mode: 0o700 });
  await chmod(target.instanceDir, 0o700);
  const found = await readdir(target.instanceDir);
  if (found.length > 0) throw new Error(`${target.instanceDir} is not empty`);
  const hasRecords = source.config.database.kind === "embedded";
  if (hasRecords && target.database.kind === "embedded") {
    await source.database.copyEmbeddedTo(target.database.file);
  }
  const { auth } = source.config;
  if (auth.kind === "generated-secret") {
    await cp(auth.secretFile, path.join(target.instanceDir, path.basename(auth.secretFile)));
  }
  await copyIfThere(source.config.media.viewJournalDir, target.media.viewJournalDir);
  return { hasRecords, objectCount: await copyObjects(source.storage, createStorage(target.storage)) };
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

async function copyIfThere(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
