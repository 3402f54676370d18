// Compares records with objects, in both directions, and says what does not fit. Called by `cli/doctor.ts`, and by
// tests after everything that they have done to the service.
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import type { Pointer } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { ListedObject, ObjectStorage } from "../storage/object-storage.ts";
import { examineObjects } from "./examine-objects.ts";
import type { Finding } from "./finding.ts";

/** What is younger may belong to an upload that is under way. */
const GRACE_PERIOD_MS = 60 * 60 * 1000;

const PAGE_COUNT = 200;

/** How far the examination has come: steps done, and how many there are, about. */
export type OnProgress = (done: number, total: number) => void;

export class Doctor {
  constructor(
    readonly database: Pick<Database, "users" | "media" | "upkeep">,
    readonly storage: ObjectStorage,
  ) {}

  /** Looks at every pointer, every record and every object. Nothing is changed. */
  async *examine(now = new Date(), onProgress: OnProgress = () => {}): AsyncGenerator<Finding> {
    const graceEnd = new Date(now.getTime() - GRACE_PERIOD_MS);
    const total = await this.database.upkeep.count();
    const pointers = await this.#readPointers();
    const knownKeys = new Set<string>();
    const seenIds = new Set<MediaId>();
    let done = 0;
    for await (const examined of this.#eachMedia()) {
      const { id, objectKey, thumbnailKey, uploaderId } = examined.media;
      seenIds.add(id);
      knownKeys.add(objectKey).add(thumbnailKey);
      yield* this.#examineMedia(examined, pointers.get(uploaderId) === id, graceEnd);
      onProgress(++done, total);
    }
    for (const [userId, mediaId] of pointers) yield* this.#examinePointer({ userId, mediaId }, seenIds);
    for await (const object of this.storage.list()) {
      const isOld = object.modifiedAt < graceEnd;
      if (isOld && !knownKeys.has(object.objectKey)) yield this.#withoutRecord(object);
    }
  }

  async *#examineMedia(examined: ExaminedMedia, isCurrent: boolean, graceEnd: Date): AsyncGenerator<Finding> {
    const { media, isOurs, isPending, isDeleted, unsettledSince } = examined;
    const isUnderWay = unsettledSince !== null && unsettledSince > graceEnd;
    if (isUnderWay || (!isOurs && !isCurrent)) return;
    if (isCurrent && (isPending || isDeleted)) {
      yield this.#pointerFinding("pointer-to-hidden", { userId: media.uploaderId, mediaId: media.id });
    } else if (!isPending && !isDeleted) {
      const isLeaving = !isCurrent && (await this.database.upkeep.isBeingReplaced(media.id, graceEnd));
      if (!isCurrent && !isLeaving) yield this.#shownButNotCurrent(media.id);
      yield* examineObjects(media, isCurrent, this.database, this.storage);
    }
  }

  async *#examinePointer(pointer: Pointer, seenIds: ReadonlySet<MediaId>): AsyncGenerator<Finding> {
    if (!seenIds.has(pointer.mediaId)) {
      const isThere = (await this.database.media.findManyByIds([pointer.mediaId])).length > 0;
      if (!isThere) yield this.#pointerFinding("pointer-to-nothing", pointer); // Else it has just been uploaded.
      return;
    }
    const [media] = await this.database.media.findManyByIds([pointer.mediaId]);
    if (media && media.uploaderId !== pointer.userId)
      yield this.#pointerFinding("pointer-to-foreign", pointer);
  }

  #pointerFinding(kind: Finding["kind"], pointer: Pointer): Finding {
    return {
      kind,
      subject: pointer.userId,
      remedy: "take the pointer away",
      repair: () => this.database.users.removePointer(pointer),
    };
  }

  #shownButNotCurrent(id: MediaId): Finding {
    return {
      kind: "shown-but-not-current",
      subject: id,
      remedy: "retire it",
      repair: () => this.database.media.settle({ retiredId: id, currentId: null }),
    };
  }

  #withoutRecord({ objectKey }: ListedObject): Finding {
    return {
      kind: "object-without-record",
      subject: objectKey,
      remedy: "delete it",
      repair: () => this.storage.delete(objectKey),
    };
  }

  async #readPointers(): Promise<Map<UserId, MediaId>> {
    const pointers = new Map<UserId, MediaId>();
    for (let page: Pointer[] = [], last: UserId | null = null; ; last = page.at(-1)!.userId) {
      page = await this.database.users.findPointers(last, PAGE_COUNT);
      for (const { userId, mediaId } of page) pointers.set(userId, mediaId);
      if (page.length < PAGE_COUNT) return pointers;
    }
  }

  async *#eachMedia(): AsyncGenerator<ExaminedMedia> {
    for (let page: ExaminedMedia[] = [], last: MediaId | null = null; ; last = page.at(-1)!.media.id) {
      page = await this.database.upkeep.findPage(last, PAGE_COUNT);
      yield* page;
      if (page.length < PAGE_COUNT) return;
    }
  }
}
