// Pages of the list of users: how long they are, and their cursors, which are opaque to clients and hold a user's id.
import { isId, type UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";

/** The most users that one page has. */
export const MAX_PAGE_COUNT = 100;

export function encodeCursor(id: UserId): string {
  return Buffer.from(id, "hex").toString("base64url");
}

/** @throws BAD_USER_INPUT for anything that `encodeCursor` did not make */
export function decodeCursor(cursor: string): UserId {
  const id = Buffer.from(cursor, "base64url").toString("hex");
  if (!isId(id) || encodeCursor(id) !== cursor)
    throw new AppError("BAD_USER_INPUT", "after is no cursor of this list.");
  return id;
}
