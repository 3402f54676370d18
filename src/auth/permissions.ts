// All rules about what an actor may do.
import { parseId, type UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { Actor } from "./actor.ts";

/** @throws UNAUTHENTICATED without an actor */
export function requireActor(actor: Actor | null): Actor {
  if (!actor) throw new AppError("UNAUTHENTICATED", "Sign in first: send Authorization: Bearer <token>.");
  return actor;
}

/**
 * Returns the user whose profile picture the actor may change: always the actor itself, also when its id is given.
 *
 * @throws FORBIDDEN for another user's id, BAD_USER_INPUT for a malformed one
 */
export function pictureOwner(actor: Actor, requestedUserId: string | null | undefined): UserId {
  if (requestedUserId === null || requestedUserId === undefined) return actor.id;
  if (parseId(requestedUserId, "user") === actor.id) return actor.id;
  throw new AppError("FORBIDDEN", "You can only change your own profile picture.");
}

/** Users see their own e-mail address only. */
export function maySeeEmail(actor: Actor | null, userId: UserId): boolean {
  return actor?.id === userId;
}
