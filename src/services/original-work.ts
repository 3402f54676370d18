// Prepares image work on the stored original of a picture.
import type { Look } from "../domain/look.ts";
import { objectSizeOf, type Media } from "../domain/media.ts";
import { estimateStillMemory } from "../images/cost.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

interface OriginalWork<Task> {
  task: Task;
  args: [original: Buffer, look: Look];
  memoryBytes: number;
}

/**
 * Reads the original and estimates the memory of the work. Returns null when the original is missing.
 *
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX, STORAGE_UNAVAILABLE
 */
export async function prepareOriginalWork<Task extends "drawMaster" | "redrawThumbnail">(
  task: Task,
  media: Media,
  storage: ObjectStorage,
): Promise<OriginalWork<Task> | null> {
  const original = await storage.read(media.objectKey, objectSizeOf(media));
  return original && { memoryBytes: await estimateStillMemory(original), task, args: [original, media.look] };
}
