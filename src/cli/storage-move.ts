// npm run storage:move -- --from URL --to URL [--dry-run]: copies the pictures of every record from one storage to
// another. The service runs with STORAGE_URL set to the new storage and STORAGE_FALLBACK_URL set to the old one.
import { parseArgs } from "node:util";

import { isSameStorage, parseStorageUrl, type StorageConfig } from "../config/config.ts";
import { moveObjects, type MoveResult } from "../operations/move-objects.ts";
import { createStorage } from "../storage/create-storage.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run storage:move -- --from URL --to URL [--dry-run]";

/** Records for each line of progress when standard error is not a terminal. */
const LINE_RECORD_COUNT = 1_000;
const BAR_WIDTH = 30;

await runProgram(USAGE, async ({ database }) => {
  const { from, to, isDryRun } = readArguments();
  const total = await database.upkeep.count();
  const startedAt = performance.now();
  const result = await moveObjects(database, {
    from: await createStorage(from),
    to: await createStorage(to),
    isDryRun,
    onProgress: (state) => showProgress(state, total, startedAt),
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  const { recordCount, copiedCount, copiedBytes, presentCount, missing, failed } = result;
  console.log(
    `${recordCount} records: ${copiedCount} objects (${megabytes(copiedBytes)}) ${isDryRun ? "to copy" : "copied"}, ` +
      `${presentCount} there already, ${missing.length} missing, ${failed.length} failed.`,
  );
  for (const objectKey of missing) console.log(`missing: ${objectKey}`);
  for (const { objectKey, reason } of failed) console.log(`failed: ${objectKey}: ${reason}`);
  return missing.length + failed.length > 0 ? 1 : 0;
});

function showProgress({ recordCount, copiedBytes }: MoveResult, total: number, startedAt: number): void {
  const isWatched = process.stderr.isTTY;
  if (!isWatched && recordCount % LINE_RECORD_COUNT > 0) return;
  const share = Math.min(1, recordCount / Math.max(1, total));
  const seconds = (performance.now() - startedAt) / 1000;
  const bar = "#".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, ".");
  const line = `[${bar}] ${Math.floor(share * 100)} %, ${recordCount} of ${total} records, ${megabytes(copiedBytes / seconds)}/s`;
  process.stderr.write(isWatched ? `\r${line}` : `${line}\n`);
}

function readArguments(): { from: StorageConfig; to: StorageConfig; isDryRun: boolean } {
  const { values } = parseArgs({
    options: {
      from: { type: "string" },
      to: { type: "string" },
      "dry-run": { type: "boolean", default: false },
    },
  });
  const [from, to] = [readUrl("from", values.from), readUrl("to", values.to)];
  if (isSameStorage(from, to)) throw new UsageError("--from and --to are the same storage.");
  return { from, to, isDryRun: values["dry-run"] };
}

function readUrl(name: string, text = ""): StorageConfig {
  const config = parseStorageUrl(text);
  if (!config) throw new UsageError(`--${name} must be the address of a storage, as for STORAGE_URL.`);
  return config;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
