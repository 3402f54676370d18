// Makes the writes that hide pictures and that move users' pointers, and notifies subscribers of each of them.
import type { MediaRepository } from "../database/media-repository.ts";
import type { Pointer, UserRepository } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { Changes } from "./changes.ts";

/** Maximum rounds of `retire`. Two are enough, unless concurrent changes move the pointer. */
const MAX_ROUNDS = 20;

/**
 * Notifies subscribers before the caller gets the result, and also when the write failed: it may have reached the
 * database before the error. `retire` does not notify them when it reinstates or settles a picture, because the change
 * feed finds this.
 */
export class PictureLifecycle {
  readonly users: UserRepository;
  readonly media: MediaRepository;

  constructor(
    { users, media }: { users: UserRepository; media: MediaRepository },
    readonly changes: Changes,
  ) {
    this.users = users;
    this.media = media;
  }

  /** Records that the owner's pointer is about to leave the picture. */
  async markLeaving(id: MediaId): Promise<void> {
    try {
      await this.media.markLeaving(id);
    } finally {
      this.changes.emit("pictureLeaving", id);
    }
  }

  /** Moves the pointer if it is still at `expected`. @returns false if another change moved it, or the user is gone */
  async swapPicture(userId: UserId, expected: MediaId | null, next: MediaId | null): Promise<boolean> {
    try {
      return await this.users.swapPicture(userId, expected, next);
    } finally {
      this.changes.emit("userChanged", userId);
    }
  }

  /** Removes the pointer if it still leads to `pointer.mediaId`, also for a deactivated user. */
  async removePointer(pointer: Pointer): Promise<void> {
    try {
      await this.users.removePointer(pointer);
    } finally {
      this.changes.emit("userChanged", pointer.userId);
    }
  }

  /**
   * Hides a picture that its owner's pointer has left. The owner may restore it at the same time, so `retire` reads the
   * pointer again after each step, until the picture is shown if it is current and hidden if it is not. The mark of a
   * change under way is removed last: after a crash before that, the clean-up job finds the picture.
   *
   * @param change.currentId the picture that replaced it, or null
   * @param change.clearsCurrentMark true to remove an interrupted change's mark from the current picture
   */
  async retire(
    userId: UserId,
    change: { retiredId: MediaId; currentId: MediaId | null; clearsCurrentMark?: boolean },
  ): Promise<void> {
    let isShown: boolean | null = null;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const isCurrent = (await this.users.findPictureId(userId)) === change.retiredId;
      if (isCurrent === isShown) break;
      if (isCurrent) await this.media.reinstate(change.retiredId);
      else await this.#hide(change.retiredId);
      isShown = isCurrent;
    }
    await this.media.settle(change);
  }

  /** Finishes earlier changes of the user that were interrupted. @returns whether there were any */
  async retireLeaving(userId: UserId): Promise<boolean> {
    const marked = await this.media.findLeaving(userId);
    const currentId = marked.length > 0 ? await this.users.findPictureId(userId) : null;
    const leaving = marked.filter((id) => id !== currentId); // The current picture's mark belongs to another change.
    for (const id of leaving) await this.retire(userId, { retiredId: id, currentId: null });
    return leaving.length > 0;
  }

  async #hide(id: MediaId): Promise<void> {
    try {
      await this.media.hide(id);
    } finally {
      this.changes.emit("pictureHidden", id);
    }
  }
}
