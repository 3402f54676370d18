// A file that is on the disk when it is said to be. Used by the other files of this folder.
import { open } from "node:fs/promises";

/** Ours alone: the picture in it may have been deleted by its owner. */
const FILE_MODE = 0o600;

/** Flushed, but for its name: that is the folder's. */
export async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "w", FILE_MODE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
