// Replaces, deletes and restores a user's profile picture. The order of the writes ensures that a crash between any two
// of them does not lose a picture or show a broken one. `jobs/cleanup-job.ts` finishes interrupted changes.
import { createHash } from "node:crypto";

import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import type { UserRepository } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import { settleAll } from "../runtime/settle-all.ts";
import { createObjectKey, objectSizeOf, thumbnailKeyOf, type Media } from "../domain/media.ts";
import { pictureFormats } from "../domain/picture-format.ts";
import type { Reports } from "./reports.ts";
import type { User } from "../domain/user.ts";
import { AppError } from "../errors.ts";
import { assertSize, type ObjectStorage } from "../storage/object-storage.ts";
import type { IncomingFile, PictureIntake } from "./picture-intake.ts";
import type { PictureLifecycle } from "./picture-lifecycle.ts";
import type { RateLimits } from "./rate-limits.ts";

/** The first two are LetsApp's texts, word for word. */
export const UPDATED_MESSAGE = "Profile picture updated successfully";
export const DELETED_MESSAGE = "Profile picture deleted successfully";
export const RESTORED_MESSAGE = "Profile picture restored successfully";

/** Maximum compare-and-swap tries. Each round lets one of the concurrent changes to a user's picture succeed. */
const MAX_SWAP_TRIES = 100;

export class ProfilePictureService {
  constructor(
    readonly users: UserRepository,
    readonly media: MediaRepository,
    readonly lifecycle: PictureLifecycle,
    readonly storage: ObjectStorage,
    readonly intake: PictureIntake,
    readonly rateLimits: Pick<RateLimits, "consumeChange">,
    readonly retentionMs: number,
    readonly reports: Reports,
    readonly log: FastifyBaseLogger,
  ) {}

  /**
   * Makes the uploaded file the user's profile picture and retires the previous one.
   *
   * @throws USER_NOT_FOUND when the user is gone or deactivated
   * @throws RATE_LIMITED, FILE_TOO_LARGE, BAD_USER_INPUT, UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX,
   * OVERLOADED before anything is written
   */
  async upload(userId: UserId, file: IncomingFile): Promise<{ user: User; media: Media }> {
    try {
      const uploaded = await this.#upload(userId, file);
      this.reports.uploadEnded("stored");
      return uploaded;
    } catch (error) {
      this.reports.uploadEnded(error instanceof AppError ? error.code : "INTERNAL_SERVER_ERROR");
      throw error;
    }
  }

  async #upload(userId: UserId, file: IncomingFile): Promise<{ user: User; media: Media }> {
    const user = await this.#getUser(userId);
    const { picture, originalFilename, look } = await this.intake.receive(userId, file);
    const objectKey = createObjectKey(picture.format);
    const media = await this.media.insertPending({
      objectKey,
      originalFilename,
      fileSizeBytes: picture.original.length,
      contentType: pictureFormats[picture.format].contentType,
      width: picture.width,
      height: picture.height,
      uploaderId: user.id,
      etag: createHash("sha256").update(picture.original).digest("base64url"),
      look,
      placeholder: picture.placeholder,
    }); // 1. intent: after a crash from here on, this record leads the clean-up job to the objects
    await settleAll([
      this.storage.put(objectKey, picture.original),
      this.storage.put(thumbnailKeyOf(objectKey), picture.thumbnail),
    ]); // 2. bytes
    if (!(await this.#makeCurrent(user, media))) throw await this.#deleteAbandonedUpload(media);
    return { user: { ...user, profilePictureId: media.id }, media };
  }

  /**
   * Removes the user's profile picture and hides it. Its bytes are removed after the retention time.
   *
   * @throws NO_PROFILE_PICTURE when the user has none, USER_NOT_FOUND, RATE_LIMITED
   */
  async delete(userId: UserId): Promise<User> {
    await this.rateLimits.consumeChange(userId);
    for (let tryCount = 0; tryCount < MAX_SWAP_TRIES; tryCount++) {
      const user = await this.#getUser(userId);
      const current = user.profilePictureId;
      if (!current) {
        // A repeated request finishes a deletion that failed after its second step.
        if (await this.lifecycle.retireLeaving(userId)) return user;
        throw new AppError("NO_PROFILE_PICTURE", "There is no profile picture to delete.");
      }
      await this.lifecycle.markLeaving(current); // 1. intent
      const isSwapped = await this.lifecycle.swapPicture(userId, current, null); // 2. the user has no picture
      await this.lifecycle.retire(userId, { retiredId: current, currentId: null }); // 3. the picture is hidden
      if (isSwapped) {
        await this.lifecycle.retireLeaving(userId);
        return { ...user, profilePictureId: null };
      }
      // Another change moved the pointer first: delete the picture that is current now.
    }
    throw tooManyChanges();
  }

  /**
   * Makes a deleted or replaced picture of the user current again, and retires the current one. Repeating it has no
   * further effect.
   *
   * @throws MEDIA_NOT_FOUND when the picture is missing, belongs to another user, or its retention time is over
   * @throws USER_NOT_FOUND, RATE_LIMITED
   */
  async restore(userId: UserId, mediaId: MediaId): Promise<{ user: User; media: Media }> {
    await this.rateLimits.consumeChange(userId);
    const user = await this.#getUser(userId);
    const current = await this.#findCurrent(user, mediaId);
    if (current) return { user, media: current };
    const media = await this.#findRestorable(userId, mediaId);
    const isMarked = media && (await this.media.markRestoring(mediaId)); // 1. intent: the clean-up job keeps its bytes
    if (!isMarked) {
      const now = await this.#getUser(userId); // A concurrent request may have restored it.
      const restored = await this.#findCurrent(now, mediaId);
      if (restored) return { user: now, media: restored };
      throw mediaNotFound();
    }
    try {
      if (!(await this.#makeCurrent(user, media))) throw mediaNotFound();
    } catch (error) {
      await this.#hideAgain(userId, mediaId);
      throw error;
    }
    return { user: { ...user, profilePictureId: mediaId }, media };
  }

  async #findCurrent(user: User, mediaId: MediaId): Promise<Media | null> {
    return user.profilePictureId === mediaId ? this.media.findById(mediaId) : null;
  }

  async #findRestorable(userId: UserId, mediaId: MediaId): Promise<Media | null> {
    const media = await this.media.findRestorable(mediaId, this.retentionMs);
    if (media?.uploaderId !== userId) return null;
    const original = await this.storage.stat(media.objectKey, objectSizeOf(media));
    if (!original || !(await this.storage.stat(media.thumbnailKey))) return null;
    assertSize(media.objectKey, original.sizeBytes, objectSizeOf(media));
    return media;
  }

  /** Hides a picture whose restoration failed. If this fails as well, the clean-up job hides it. */
  async #hideAgain(userId: UserId, mediaId: MediaId): Promise<void> {
    try {
      if ((await this.users.findPictureId(userId)) === mediaId) return; // Current: only the answer was lost.
      await this.lifecycle.retire(userId, { retiredId: mediaId, currentId: null });
    } catch (error) {
      this.log.error({ err: error, mediaId }, "could not hide a picture whose restoration failed");
    }
  }

  /**
   * Moves the pointer by compare-and-swap, so that the picture that it leaves is known and marked before.
   *
   * @returns false when the clean-up job has removed the media, or is removing it
   */
  async #makeCurrent(user: User, media: Media): Promise<boolean> {
    let replaced = user.profilePictureId;
    for (let tryCount = 0; tryCount < MAX_SWAP_TRIES; tryCount++) {
      if (replaced) await this.lifecycle.markLeaving(replaced); // 3. intent: the pointer is about to leave it
      const isStillThere = await this.media.markReady(media.id, replaced); // 4. complete, and which picture it replaces
      if (!isStillThere) return false;
      const isSwapped = await this.lifecycle.swapPicture(user.id, replaced, media.id); // 5. current: one atomic write
      if (isSwapped) {
        await this.#retireReplaced(user.id, replaced, media); // 6. the old one is retired
        return true;
      }
      replaced = (await this.#getUser(user.id)).profilePictureId; // Another change moved the pointer first.
    }
    throw tooManyChanges();
  }

  /** Only logs errors: the new picture is current already, and the next change or the clean-up job tries again. */
  async #retireReplaced(userId: UserId, replaced: MediaId | null, media: Media): Promise<void> {
    try {
      if (replaced) await this.lifecycle.retire(userId, { retiredId: replaced, currentId: media.id });
      else await this.media.settle({ retiredId: null, currentId: media.id });
      await this.lifecycle.retireLeaving(userId);
    } catch (error) {
      this.log.error(
        { err: error, mediaId: media.id, replaced },
        "could not retire a replaced picture; leaving it to the next change or the clean-up job",
      );
    }
  }

  /** Deletes objects that were stored after the clean-up job removed their record. @returns the error for the client */
  async #deleteAbandonedUpload({ objectKey, thumbnailKey }: Media): Promise<AppError> {
    await this.storage.delete(objectKey);
    await this.storage.delete(thumbnailKey);
    return new AppError("STORAGE_UNAVAILABLE", "Storing the picture took too long. Try again.");
  }

  async #getUser(userId: UserId): Promise<User> {
    const user = await this.users.findById(userId);
    if (!user) throw new AppError("USER_NOT_FOUND", "There is no such user.");
    return user;
  }
}

function mediaNotFound(): AppError {
  return new AppError("MEDIA_NOT_FOUND", "There is no such picture to restore.");
}

function tooManyChanges(): AppError {
  return new AppError("OVERLOADED", "Too many changes to this profile picture at once. Try again.");
}
