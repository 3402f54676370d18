// Writes a file that survives a power cut.
import { open } from "node:fs/promises";

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
