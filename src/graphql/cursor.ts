// The pages of the user list: their maximum length and their cursors.
// A cursor encodes a user id and is opaque to clients.
import { isId, type UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";

/** The most users on one page. */
export const MAX_PAGE_COUNT = 100;

export function encodeCursor(id: UserId): string {
  return Buffer.from(id, "hex").toString("base64url");
}

/** @throws BAD_USER_INPUT for anything that `encodeCursor` did not make */
export function decodeCursor(cursor: string): UserId {
  const id = Buffer.from(cursor, "base64url").toString("hex");
  if (!isId(id) || encodeCursor(id) !== cursor)
    throw new AppError("BAD_USER_INPUT", "`after` is not a cursor of this list.");
  return id;
}
