// Removes what the upload library has left in the folder for temporary files when a process was killed. Called by
// `multipart.ts` at the start.
import { readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** As the library calls them: `capacitor-` and random digits. */
const namePattern = /^capacitor-[0-9a-f]+\.tmp$/;

/** A request takes a minute at most: an older one has no process any more. */
const STALE_AFTER_MS = 60 * 60 * 1000;

/** @returns how many there were */
export async function removeStaleFiles(now = Date.now()): Promise<number> {
  let removedCount = 0;
  for (const name of await readdir(tmpdir())) {
    if (!namePattern.test(name)) continue;
    const file = path.join(tmpdir(), name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: now })); // Another process was faster.
    if (now - mtimeMs < STALE_AFTER_MS) continue;
    await rm(file, { force: true });
    removedCount += 1;
  }
  return removedCount;
}
