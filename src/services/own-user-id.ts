// Whose picture a request may change: one's own. Called by both doors.
import { parseId, type UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";

/**
 * The id of the user whose picture is to change: one's own, also when it is spelled out.
 *
 * @throws FORBIDDEN for another user's id, BAD_USER_INPUT for a malformed one
 */
export function ownUserId(currentUserId: UserId, requestedUserId: string | null | undefined): UserId {
  if (requestedUserId === null || requestedUserId === undefined) return currentUserId;
  if (parseId(requestedUserId, "user") === currentUserId) return currentUserId;
  throw new AppError("FORBIDDEN", "You can only change your own profile picture.");
}
