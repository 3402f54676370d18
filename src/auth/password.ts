// Hashes and checks passwords as LetsApp does: bcrypt. Called by `services/account-service.ts`.
import { hash, verify } from "@node-rs/bcrypt";

/** Flask-Bcrypt's default: about a quarter of a second of one core. */
const COST = 12;

/** bcrypt reads no more than this; what would be cut off is refused instead. */
export const MAX_PASSWORD_BYTES = 72;
export const MIN_PASSWORD_BYTES = 8;

/** For `verifyNothing`: the hash, at the same cost, of a password that nobody has. */
const NOBODYS_HASH = `$2b$${COST}$GcWAUTAG2Z6.sul2i49Dvu93be7CFl5utmYVbzCdHCjeLoqqVPZ5e`;

export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** False, too, for a hash that is no bcrypt hash. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || !isBcryptHash(passwordHash))
    return verifyNothing(password);
  return verify(password, passwordHash);
}

/** Takes as long as a check against a user's hash, so that nobody can tell by the clock who is registered. */
export async function verifyNothing(password: string): Promise<false> {
  await verify(password.slice(0, MAX_PASSWORD_BYTES), NOBODYS_HASH);
  return false;
}

function isBcryptHash(text: string): boolean {
  return /^\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}$/.test(text);
}
