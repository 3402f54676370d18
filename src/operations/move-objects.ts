// Copies the objects of every record from one storage to another, while the service runs and reads from both.
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import { objectSizeOf } from "../domain/media.ts";
import { withCause } from "../errors.ts";
import { assertSize, isWhole, type ObjectStorage } from "../storage/object-storage.ts";

export interface MoveOptions {
  from: ObjectStorage;
  to: ObjectStorage;
  /** Counts the objects and copies none. */
  isDryRun: boolean;
  /** Called after each record. */
  onProgress: (result: MoveResult) => void;
}

export interface MoveResult {
  recordCount: number;
  copiedCount: number;
  copiedBytes: number;
  /** Objects that were in `to` already: an earlier run copied them, or the service stored them there. */
  presentCount: number;
  /** Keys of objects that a record of this service names, and that are in neither storage. */
  missing: string[];
  /** Objects that could not be read or stored, or whose size is not the one in their record. */
  failed: { objectKey: string; reason: string }[];
}

/** Maximum number of records whose objects are copied at once. */
const MAX_CONCURRENT_RECORDS = 8;
/** Number of consecutive failed records that ends the move: a storage is probably unreachable or denies access. */
const MAX_FAILURES_IN_A_ROW = 20;

/**
 * Copies objects in the order of the records' ids, so that records added during the move come last. Reads each object
 * back after writing it. After an interruption, another run copies the rest: an object is complete or absent.
 *
 * @throws the last failure when `MAX_FAILURES_IN_A_ROW` records fail in a row
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
  for await (const page of database.upkeep.examineAll()) {
    const waiting = [...page];
    const workers = Array.from({ length: MAX_CONCURRENT_RECORDS }, async () => {
      for (let examined = waiting.shift(); examined; examined = waiting.shift()) {
        const failure = await moveRecord(database, examined, options, result);
        failuresInARow = failure ? failuresInARow + 1 : 0;
        if (failuresInARow === MAX_FAILURES_IN_A_ROW) throw failure;
        result.recordCount += 1;
        onProgress(result);
      }
    });
    await Promise.all(workers);
  }
  return result;
}

/** @returns the failure of the record's last object that failed, or null */
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
      const now = await upkeep.examine(media.id);
      const isGoing = !now || now.isBeingRemoved;
      // The process that removes the record may have deleted the object before this copy existed.
      if (outcome === "copied" && isGoing) await options.to.delete(objectKey);
      // Not missing: an object of a pending upload may not be stored yet, and LetsApp stores its attachments elsewhere.
      if (outcome === "missing" && !isGoing && now.isOurs && !now.isPending) result.missing.push(objectKey);
    } catch (error) {
      failure = error as Error;
      result.failed.push({ objectKey, reason: withCause(failure) });
    }
  }
  return failure;
}

/**
 * Leaves an object that is already in `to` alone, because it may have been repaired there. Copies it again only if its
 * size is wrong.
 *
 * @throws DamagedObjectError when the size is wrong and the other storage has no better copy
 */
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
  if (!bytes) return; // Deleted since its size was read.
  await to.put(objectKey, bytes);
  const stored = await to.read(objectKey);
  if (stored?.equals(bytes)) return;
  await to.delete(objectKey); // The next run would count it as present.
  throw new Error("the bytes that were read back differ from the bytes that were written");
}
