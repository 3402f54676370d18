// Retires a media that its owner's pointer has left, whatever else happens to it at the same time. Used by everything
// that moves a pointer, or finds that it has moved.
import type { MediaId, UserId } from "../domain/ids.ts";
import type { MediaRepository } from "./media-repository.ts";
import type { UserRepository } from "./user-repository.ts";

/** Each round sees a change of somebody else's. */
const MAX_ROUNDS = 20;

interface Records {
  users: UserRepository;
  media: MediaRepository;
}

/**
 * The owner may restore the media at the same time. So the pointer is read after each step, until the media is shown if
 * it is current, and hidden if it is not. The mark that a change is under way is removed last: after a crash in between,
 * the clean-up job finds the media.
 *
 * @param change `currentId` is what took its place, if anything did
 */
export async function retire(
  { users, media }: Records,
  userId: UserId,
  change: { retiredId: MediaId; currentId: MediaId | null; isLeft?: boolean },
): Promise<void> {
  let isShown: boolean | null = null;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const isCurrent = (await users.findPictureId(userId)) === change.retiredId;
    if (isCurrent === isShown) break;
    if (isCurrent) await media.reinstate(change.retiredId);
    else await media.hide(change.retiredId);
    isShown = isCurrent;
  }
  await media.settle(change);
}

/** Finishes earlier changes of the user that were interrupted. @returns whether there were any */
export async function retireLeaving(records: Records, userId: UserId): Promise<boolean> {
  const marked = await records.media.findLeaving(userId);
  const currentId = marked.length > 0 ? await records.users.findPictureId(userId) : null;
  const leaving = marked.filter((id) => id !== currentId); // Another change is about to leave the current one.
  for (const id of leaving) await retire(records, userId, { retiredId: id, currentId: null });
  return leaving.length > 0;
}
