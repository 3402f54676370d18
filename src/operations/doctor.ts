// Compares records with objects, in both directions, and reports each inconsistency with a remedy.
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import type { Pointer } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import { GRACE_PERIOD_MS } from "../domain/media.ts";
import type { PictureLifecycle } from "../services/picture-lifecycle.ts";
import type { ListedObject, ObjectStorage } from "../storage/object-storage.ts";
import { examineObjects } from "./examine-objects.ts";
import type { Finding } from "./finding.ts";

const POINTERS_PER_PAGE = 200;

/** Receives the number of media examined until now, and their approximate total. */
export type OnProgress = (done: number, total: number) => void;

export class Doctor {
  /** Numbers of media and objects examined until now. */
  readonly counts = { media: 0, objects: 0 };

  constructor(
    readonly database: Pick<Database, "users" | "upkeep">,
    readonly lifecycle: PictureLifecycle,
    readonly storage: ObjectStorage,
  ) {}

  /** Examines every record, every pointer and every object. Changes nothing. The service may run at the same time. */
  async *examine(now = new Date(), onProgress: OnProgress = () => {}): AsyncGenerator<Finding> {
    const graceCutoff = new Date(now.getTime() - GRACE_PERIOD_MS);
    const total = await this.database.upkeep.count();
    const knownKeys = new Set<string>();
    for await (const page of this.database.upkeep.examineAll()) {
      for (const examined of page) {
        knownKeys.add(examined.media.objectKey).add(examined.media.thumbnailKey);
        yield* this.#examineMedia(examined, graceCutoff);
        onProgress(++this.counts.media, total);
      }
    }
    for await (const pointer of this.#eachPointer()) yield* this.#examinePointer(pointer);
    for await (const object of this.storage.list()) {
      this.counts.objects += 1;
      if (object.modifiedAt < graceCutoff && !knownKeys.has(object.objectKey))
        yield this.#withoutRecord(object);
    }
  }

  async *#examineMedia(listed: ExaminedMedia, graceCutoff: Date): AsyncGenerator<Finding> {
    const { id, uploaderId, createdAt } = listed.media;
    const found = await this.#observe(id, uploaderId);
    if (!found || isUnderWay(found.examined, graceCutoff)) return;
    const { examined, isCurrent } = found;
    const isHidden = examined.isPending || examined.isDeleted;
    if (isHidden && isCurrent) yield this.#hiddenButCurrent(id, uploaderId);
    if (isHidden || !(examined.isOurs || isCurrent)) return;
    const isLeaving = await this.database.upkeep.isBeingReplaced(id, graceCutoff);
    if (!isCurrent && !isLeaving && createdAt < graceCutoff) yield this.#shownButNotCurrent(id, uploaderId);
    yield* examineObjects(examined.media, this.lifecycle, this.storage);
  }

  /** The record, and whether it is its uploader's picture. Null if it is gone, or if the pointer moved in between. */
  async #observe(
    id: MediaId,
    uploaderId: UserId,
  ): Promise<{ examined: ExaminedMedia; isCurrent: boolean } | null> {
    const before = await this.database.users.findPictureId(uploaderId);
    const examined = await this.database.upkeep.examine(id);
    const after = await this.database.users.findPictureId(uploaderId);
    return examined && before === after ? { examined, isCurrent: before === id } : null;
  }

  #hiddenButCurrent(id: MediaId, uploaderId: UserId): Finding {
    return {
      kind: "pointer-to-hidden",
      subject: uploaderId,
      remedy: "set the user's profile_picture to null",
      repair: async () => {
        const found = await this.#observe(id, uploaderId);
        const isHidden = found && (found.examined.isPending || found.examined.isDeleted);
        if (isHidden) await this.lifecycle.removePointer({ userId: uploaderId, mediaId: id });
      },
    };
  }

  #shownButNotCurrent(id: MediaId, uploaderId: UserId): Finding {
    return {
      kind: "shown-but-not-current",
      subject: id,
      remedy: "retire the media",
      repair: async () => {
        const found = await this.#observe(id, uploaderId);
        if (found?.isCurrent === false)
          await this.lifecycle.retire(uploaderId, { retiredId: id, currentId: null });
      },
    };
  }

  async *#examinePointer(pointer: Pointer): AsyncGenerator<Finding> {
    const { userId, mediaId } = pointer;
    const examined = await this.database.upkeep.examine(mediaId);
    if (examined?.media.uploaderId === userId) return;
    if ((await this.database.users.findPictureId(userId)) !== mediaId) return; // The pointer moved after it was listed.
    yield {
      kind: examined ? "pointer-to-foreign" : "pointer-to-nothing",
      subject: userId,
      remedy: "set the user's profile_picture to null",
      repair: () => this.lifecycle.removePointer(pointer),
    };
  }

  #withoutRecord({ objectKey }: ListedObject): Finding {
    return {
      kind: "object-without-record",
      subject: objectKey,
      remedy: "delete the object",
      repair: () => this.storage.delete(objectKey),
    };
  }

  async *#eachPointer(): AsyncGenerator<Pointer> {
    for (let page: Pointer[] = [], last: UserId | null = null; ; last = page.at(-1)!.userId) {
      page = await this.database.users.findPointers(last, POINTERS_PER_PAGE);
      yield* page;
      if (page.length < POINTERS_PER_PAGE) return;
    }
  }
}

function isUnderWay({ unsettledSince }: ExaminedMedia, graceCutoff: Date): boolean {
  return unsettledSince !== null && unsettledSince > graceCutoff;
}
