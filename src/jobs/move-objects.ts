// Copies the objects of every record from one storage to another, while the service runs and reads from both. Called by
// `cli/storage-move.ts`.
import type { Database } from "../database/connection.ts";
import type { ExaminedMedia } from "../database/media-upkeep.ts";
import type { MediaId } from "../domain/ids.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

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
}

const PAGE_COUNT = 200;
/** Objects that are on their way at once. */
const LANE_COUNT = 8;

/**
 * Each object is read back after it was written. What was interrupted goes on where it was: an object is complete, or
 * not there. In the order of the records' ids, so that those that come meanwhile come last.
 *
 * @throws STORAGE_UNAVAILABLE, and Error for an object that was not stored as it was written
 */
export async function moveObjects(
  database: Pick<Database, "upkeep">,
  { onProgress, ...options }: MoveOptions,
): Promise<MoveResult> {
  const result: MoveResult = { recordCount: 0, copiedCount: 0, copiedBytes: 0, presentCount: 0, missing: [] };
  let afterId: MediaId | null = null;
  for (;;) {
    const page: ExaminedMedia[] = await database.upkeep.findPage(afterId, PAGE_COUNT);
    if (page.length === 0) return result;
    const waiting = [...page];
    const lanes = Array.from({ length: LANE_COUNT }, async () => {
      for (let examined = waiting.shift(); examined; examined = waiting.shift()) {
        await moveRecord(database, examined, options, result);
        result.recordCount += 1;
        onProgress(result);
      }
    });
    await Promise.all(lanes);
    afterId = page.at(-1)!.media.id;
  }
}

async function moveRecord(
  { upkeep }: Pick<Database, "upkeep">,
  { media, isOurs }: ExaminedMedia,
  options: Omit<MoveOptions, "onProgress">,
  result: MoveResult,
): Promise<void> {
  for (const objectKey of [media.objectKey, media.thumbnailKey]) {
    const isCopied = await moveObject(objectKey, isOurs, options, result);
    if (!isCopied || (await upkeep.findById(media.id))) continue;
    await options.to.delete(objectKey); // The picture was removed meanwhile, before there was anything here.
  }
}

/** @returns whether it was copied */
async function moveObject(
  objectKey: string,
  isOurs: boolean,
  { from, to, isDryRun }: Omit<MoveOptions, "onProgress">,
  result: MoveResult,
): Promise<boolean> {
  const [before, after] = await Promise.all([from.stat(objectKey), to.stat(objectKey)]);
  if (after && (!before || before.sizeBytes === after.sizeBytes)) {
    result.presentCount += 1;
    return false;
  }
  if (!before) {
    if (isOurs) result.missing.push(objectKey); // Other attachments of LetsApp's are elsewhere.
    return false;
  }
  if (!isDryRun) await copy(objectKey, from, to);
  result.copiedCount += 1;
  result.copiedBytes += before.sizeBytes;
  return !isDryRun;
}

async function copy(objectKey: string, from: ObjectStorage, to: ObjectStorage): Promise<void> {
  const bytes = await from.read(objectKey);
  if (!bytes) return; // Removed meanwhile.
  await to.put(objectKey, bytes);
  const stored = await to.read(objectKey);
  if (!stored?.equals(bytes)) throw new Error(`${objectKey} was not stored as it was written`);
}
