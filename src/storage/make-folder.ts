// Creates a folder and its missing parents.
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/** Access for this user only: the folder may contain pictures that their owners have deleted. */
const FOLDER_MODE = 0o700;

/**
 * Creates one folder after another: Node's own recursion never ends where no folder can be created, as below /proc.
 * Other processes may create the same folders at the same time.
 *
 * @returns the outermost folder that was created; null when all of them existed
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
