// Reads the secret that signs tokens from the operator's file. If the operator has not set a secret, generates one and
// keeps it in a file beside the data.
import { randomBytes } from "node:crypto";
import { readFile, rename } from "node:fs/promises";
import path from "node:path";

import { makeFolder, nullIfMissing, writeDurably } from "../runtime/files.ts";

const SECRET_BYTES = 32;

/** @throws Error when the file that the operator has named cannot be read, or is empty */
export async function readSecret(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`JWT_SECRET_FILE: ${file} cannot be read (${error.code})`, { cause: error });
  });
  const secret = text.trim();
  if (secret === "") throw new Error(`JWT_SECRET_FILE: ${file} is empty`);
  return secret;
}

/** Reads the secret, or generates it in a file of mode 0600. @throws Error when the file cannot be read or written */
export async function readOrCreateSecret(file: string): Promise<string> {
  const found = await nullIfMissing(readFile(file, "utf8")).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read (${error.code})`, { cause: error });
  });
  if (found === null) return createSecret(file);
  if (found.trim() === "")
    throw new Error(`${file} is empty: remove the file, and the service generates a new secret`);
  return found.trim();
}

/** Writes a temporary file and renames it, so that a crash leaves the whole secret or none. */
async function createSecret(file: string): Promise<string> {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const unfinished = `${file}.unfinished`;
  await makeFolder(path.dirname(file));
  await writeDurably(unfinished, Buffer.from(`${secret}\n`));
  await rename(unfinished, file);
  return secret;
}
