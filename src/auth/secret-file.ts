// The secret that signs tokens where nobody has set one: made once, and kept beside the data. Called by `app.ts`.
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";

const SECRET_BYTES = 32;

/** Reads the secret, or makes it with mode 0600. @throws Error when the file can be neither read nor written */
export async function readOrCreateSecret(file: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  try {
    const handle = await open(file, "wx", 0o600);
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    try {
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const secret = (await readFile(file, "utf8")).trim();
  if (!secret) throw new Error(`${file} is empty; remove it, and a new secret is made`);
  return secret;
}
