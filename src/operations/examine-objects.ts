// Checks that the two objects of a media exist and can be decoded.
import { objectSizeOf, type Media } from "../domain/media.ts";
import { AppError } from "../errors.ts";
import { plainLook, type Look } from "../domain/look.ts";
import { redrawThumbnail } from "../images/redraw.ts";
import type { PictureLifecycle } from "../services/picture-lifecycle.ts";
import { DamagedObjectError, type ObjectStorage } from "../storage/object-storage.ts";
import type { Finding } from "./finding.ts";

export async function* examineObjects(
  media: Media,
  lifecycle: PictureLifecycle,
  storage: ObjectStorage,
): AsyncGenerator<Finding> {
  const hide = async () => {
    await lifecycle.removePointer({ userId: media.uploaderId, mediaId: media.id });
    await lifecycle.retire(media.uploaderId, { retiredId: media.id, currentId: null });
  };
  const original = await readOriginal(media, storage);
  if (!original) {
    yield { kind: "missing-original", subject: media.id, remedy: "retire the media", repair: hide };
    return;
  }
  const thumbnail = original === "damaged" ? "unreadable" : await redrawn(original, media.look);
  if (thumbnail === "unreadable") {
    yield { kind: "unreadable-original", subject: media.id, remedy: "retire the media", repair: hide };
    return;
  }
  const stored = await storage.read(media.thumbnailKey);
  if (stored && (await redrawn(stored, plainLook)) !== "unreadable") return;
  yield {
    kind: stored ? "unreadable-thumbnail" : "missing-thumbnail",
    subject: media.id,
    remedy: "draw the thumbnail again",
    async repair() {
      if (thumbnail === "too-complex") throw new Error("the picture is too complex for a thumbnail");
      await storage.put(media.thumbnailKey, thumbnail);
    },
  };
}

async function readOriginal(media: Media, storage: ObjectStorage): Promise<Buffer | "damaged" | null> {
  try {
    return await storage.read(media.objectKey, objectSizeOf(media));
  } catch (error) {
    if (error instanceof DamagedObjectError) return "damaged";
    throw error;
  }
}

/** LetsApp stored pictures without limits. A picture above today's limits is too complex, but not damaged. */
async function redrawn(bytes: Buffer, look: Look): Promise<Buffer | "unreadable" | "too-complex"> {
  try {
    return (await redrawThumbnail(bytes, look)).thumbnail;
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    return error.code === "IMAGE_TOO_COMPLEX" ? "too-complex" : "unreadable";
  }
}
