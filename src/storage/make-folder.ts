// A folder, and those that it lies in. Used by `local-storage.ts`, `rendition-folder.ts`, `jobs/backup.ts` and `main.ts`.
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/** Ours alone: the pictures in it may have been deleted by their owners. */
const FOLDER_MODE = 0o700;

/**
 * One after another: Node's own recursion never ends where no folder can be made, as below /proc. Others may be making the
 * same ones.
 *
 * @returns the outermost folder that was made; null where all were there
 * @throws Error of the file system
 */
export async function makeFolder(relative: string): Promise<string | null> {
  const folder = path.resolve(relative);
  if (await isFolder(folder)) return null;
  const outermost = await makeFolder(path.dirname(folder));
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (!(await isFolder(folder))) throw error;
  }
  return outermost ?? folder;
}

async function isFolder(name: string): Promise<boolean> {
  try {
    return (await stat(name)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
