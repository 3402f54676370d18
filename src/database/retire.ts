// Retires a media that its owner's pointer has left, whatever else happens to it at the same time. Called by whoever
// moves a pointer, or finds that somebody has.
import type { MediaId, UserId } from "../domain/ids.ts";
import type { MediaRepository } from "./media-repository.ts";
import type { UserRepository } from "./user-repository.ts";

/** Each round sees a change of somebody else's. */
const MAX_ROUNDS = 20;

/**
 * Whoever retires a media late may meet an owner who has just restored it. So the pointer is looked at after each step,
 * until the media is shown if it is current, and hidden if it is not.
 *
 * @param change `currentId` is what took its place, if anything did
 */
export async function retire(
  { users, media }: { users: UserRepository; media: MediaRepository },
  userId: UserId,
  change: { retiredId: MediaId; currentId: MediaId | null; isLeft?: boolean },
): Promise<void> {
  await media.settle(change);
  let isShown = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const isCurrent = (await users.findPictureId(userId)) === change.retiredId;
    if (isCurrent === isShown) return;
    if (isCurrent) await media.reinstate(change.retiredId);
    else await media.settle({ retiredId: change.retiredId, currentId: null });
    isShown = isCurrent;
  }
}
