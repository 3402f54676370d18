// Removes all pictures of one user at once: the pointer, the records, the objects. Called by `cli/erase.ts`.
import type { Database } from "../database/connection.ts";
import type { UserId } from "../domain/ids.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface ErasureResult {
  /** Media whose objects and records are gone. */
  erasedCount: number;
  /** Records that this service has not written, and whose objects are not in its storage: LetsApp's attachments. */
  leftAloneCount: number;
}

/** Doing it again finishes what was interrupted. An upload that comes meanwhile is erased as well. */
export async function erasePictures(
  userId: UserId,
  { users, upkeep }: Pick<Database, "users" | "upkeep">,
  storage: ObjectStorage,
): Promise<ErasureResult> {
  let erasedCount = 0;
  for (;;) {
    const mediaId = await users.findPictureId(userId);
    if (mediaId) await users.removePointer({ userId, mediaId });
    const all = await upkeep.findByUploader(userId);
    const ours = [];
    for (const { media, isOurs } of all) {
      if (isOurs || (await storage.stat(media.objectKey)) || media.id === mediaId) ours.push(media);
    }
    if (ours.length === 0) return { erasedCount, leftAloneCount: all.length };
    for (const { id, objectKey, thumbnailKey } of ours) {
      await upkeep.condemn(id); // From now on nobody sees it, and nobody can restore it.
      await storage.delete(objectKey);
      await storage.delete(thumbnailKey);
      await upkeep.remove(id);
      erasedCount += 1;
    }
  }
}
