// Copies the objects of every record from one storage to another, while the service runs and reads from both. Called by
// `cli/storage-move.ts`.
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf } from "../domain/media.ts";
import { withCause } from "../errors.ts";
import { assertSize, isWhole, type ObjectStorage } from "../storage/object-storage.ts";

export interface MoveOptions {
  from: ObjectStorage;
  to: ObjectStorage;
  /** Only counts. */
  isDryRun: boolean;
  /** Called now and then. */
  onProgress: (result: MoveResult) => void;
}

export interface MoveResult {
  recordCount: number;
  copiedCount: number;
  copiedBytes: number;
  /** There already: from an earlier run, or new since the service writes there. */
  presentCount: number;
  /** Object keys that stand in a record of ours, and are in neither. */
  missing: string[];
  /** What could not be read, or not be stored. */
  failed: { objectKey: string; reason: string }[];
}

const PAGE_COUNT = 200;
/** Objects that are on their way at once. */
const LANE_COUNT = 8;
/** One storage or the other is away, or lets nobody in. */
const MAX_FAILURES_IN_A_ROW = 20;

/**
 * Each object is read back after it was written. What was interrupted goes on where it was: an object is complete, or
 * not there. In the order of the records' ids, so that those that come meanwhile come last.
 *
 * @throws the last of many failures with none in between that has succeeded
 */
export async function moveObjects(
  database: Pick<Database, "upkeep">,
  { onProgress, ...options }: MoveOptions,
): Promise<MoveResult> {
  const result: MoveResult = {
    recordCount: 0,
    copiedCount: 0,
    copiedBytes: 0,
    presentCount: 0,
    missing: [],
    failed: [],
  };
  let failuresInARow = 0;
  let afterId: MediaId | null = null;
  for (;;) {
    const page: ExaminedMedia[] = await database.upkeep.findPage(afterId, PAGE_COUNT);
    if (page.length === 0) return result;
    const waiting = [...page];
    const lanes = Array.from({ length: LANE_COUNT }, async () => {
      for (let examined = waiting.shift(); examined; examined = waiting.shift()) {
        const failure = await moveRecord(database, examined, options, result);
        failuresInARow = failure ? failuresInARow + 1 : 0;
        if (failuresInARow === MAX_FAILURES_IN_A_ROW) throw failure;
        result.recordCount += 1;
        onProgress(result);
      }
    });
    await Promise.all(lanes);
    afterId = page.at(-1)!.media.id;
  }
}

/** @returns what the last of its objects has failed with */
async function moveRecord(
  { upkeep }: Pick<Database, "upkeep">,
  examined: ExaminedMedia,
  options: Omit<MoveOptions, "onProgress">,
  result: MoveResult,
): Promise<Error | null> {
  const { media } = examined;
  let failure: Error | null = null;
  if (examined.isBeingRemoved) return failure;
  const objects: [string, number | null][] = [
    [media.objectKey, objectSizeOf(media)],
    [media.thumbnailKey, null],
  ];
  for (const [objectKey, sizeBytes] of objects) {
    try {
      const outcome = await moveObject(objectKey, sizeBytes, options, result);
      if (outcome === "present") continue;
      const now = await upkeep.findById(media.id);
      const isGoing = !now || now.isBeingRemoved;
      if (outcome === "copied" && isGoing) await options.to.delete(objectKey); // Others have deleted it before it was here.
      // Uploads under way are stored in a moment, or never; other attachments of LetsApp's are elsewhere.
      if (outcome === "missing" && !isGoing && now.isOurs && !now.isPending) result.missing.push(objectKey);
    } catch (error) {
      failure = error as Error;
      result.failed.push({ objectKey, reason: withCause(failure) });
    }
  }
  return failure;
}

/** What is there was written whole, and may have been repaired since: it is left alone, unless it has been cut. */
async function moveObject(
  objectKey: string,
  sizeBytes: number | null,
  { from, to, isDryRun }: Omit<MoveOptions, "onProgress">,
  result: MoveResult,
): Promise<"present" | "missing" | "copied" | "counted"> {
  const [before, after] = await Promise.all([from.stat(objectKey), to.stat(objectKey)]);
  if (after && (isWhole(after.sizeBytes, sizeBytes) || !before)) {
    assertSize(objectKey, after.sizeBytes, sizeBytes);
    result.presentCount += 1;
    return "present";
  }
  if (!before) return "missing";
  assertSize(objectKey, before.sizeBytes, sizeBytes);
  if (!isDryRun) await copy(objectKey, from, to);
  result.copiedCount += 1;
  result.copiedBytes += before.sizeBytes;
  return isDryRun ? "counted" : "copied";
}

async function copy(objectKey: string, from: ObjectStorage, to: ObjectStorage): Promise<void> {
  const bytes = await from.read(objectKey);
  if (!bytes) return; // Removed meanwhile.
  await to.put(objectKey, bytes);
  const stored = await to.read(objectKey);
  if (stored?.equals(bytes)) return;
  await to.delete(objectKey); // The next run would take it for one that is there.
  throw new Error("it was not stored as it was written");
}
