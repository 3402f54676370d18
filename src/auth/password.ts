// Hashes and checks passwords with bcrypt, as LetsApp does.
import { hash, verify } from "@node-rs/bcrypt";

/** Flask-Bcrypt's default: a hash takes about a quarter of a second of one core. */
const COST = 12;

/** bcrypt ignores all bytes after this number, so longer passwords are rejected. */
export const MAX_PASSWORD_BYTES = 72;
export const MIN_PASSWORD_BYTES = 8;

/** The hash of a password that no user has, with the same cost as the hashes of users. */
const DUMMY_HASH = `$2b$${COST}$GcWAUTAG2Z6.sul2i49Dvu93be7CFl5utmYVbzCdHCjeLoqqVPZ5e`;

export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** Compares a password with a hash. Returns false also for a hash that is not a bcrypt hash. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || !isBcryptHash(passwordHash))
    return verifyAgainstDummy(password);
  return verify(password, passwordHash);
}

/** Takes as long as a check against a user's hash, so that response times do not reveal which users are registered. */
export async function verifyAgainstDummy(password: string): Promise<false> {
  await verify(password.slice(0, MAX_PASSWORD_BYTES), DUMMY_HASH);
  return false;
}

function isBcryptHash(text: string): boolean {
  return /^\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}$/.test(text);
}
