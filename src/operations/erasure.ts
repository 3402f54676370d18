// Removes all pictures of one user at once: the pointer, the records, the objects and the derived images.
import { setTimeout } from "node:timers/promises";

import type { Database } from "../database/connection.ts";
import type { UserId } from "../domain/ids.ts";
import { HIDDEN_EVERYWHERE_MS } from "../domain/media.ts";
import type { PictureLifecycle } from "../services/picture-lifecycle.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { RenditionFolder } from "../storage/rendition-folder.ts";

export interface ErasureResult {
  /** Media whose objects and records were removed. */
  erasedCount: number;
  /** Records of LetsApp's attachments: this service did not write them, and their objects are not in its storage. */
  leftAloneCount: number;
}

/** Erases also pictures that the user uploads at the same time. Another call finishes an interrupted erasure. */
export async function erasePictures(
  userId: UserId,
  { users, upkeep }: Pick<Database, "users" | "upkeep">,
  lifecycle: PictureLifecycle,
  storage: ObjectStorage,
  renditions: RenditionFolder,
): Promise<ErasureResult> {
  await renditions.open();
  let erasedCount = 0;
  for (;;) {
    const mediaId = await users.findPictureId(userId);
    if (mediaId) await lifecycle.removePointer({ userId, mediaId });
    const all = await upkeep.examineUploads(userId);
    const ours = [];
    for (const { media, isOurs } of all) {
      if (isOurs || (await storage.stat(media.objectKey)) || media.id === mediaId) ours.push(media);
    }
    if (ours.length === 0) return { erasedCount, leftAloneCount: all.length };
    for (const { id } of ours) await upkeep.claimInAnyState(id); // The owner cannot restore it any more.
    await setTimeout(HIDDEN_EVERYWHERE_MS); // The record must exist until every process has read that it is hidden.
    for (const { id, objectKey, thumbnailKey } of ours) {
      await storage.delete(objectKey);
      await storage.delete(thumbnailKey);
      await renditions.remove(id);
      await upkeep.remove(id);
      erasedCount += 1;
    }
  }
}
