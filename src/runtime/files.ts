// Folders and files: created for this user only, written so that they survive a power cut, and read if they exist.
import { mkdir, open, stat } from "node:fs/promises";
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
  return (await nullIfMissing(stat(name)))?.isDirectory() ?? false;
}

/** Access for this user only: the file may contain a picture that its owner has deleted. */
const FILE_MODE = 0o600;

/** Writes and flushes a file. The caller must also flush the folder, which makes the file's name durable. */
export async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "w", FILE_MODE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Turns the error for a missing file or folder into null. @param codes the error codes that mean "missing" */
export async function nullIfMissing<Result>(
  work: Promise<Result>,
  codes: readonly string[] = ["ENOENT"],
): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
