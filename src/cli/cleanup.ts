// npm run cleanup -- [--dry-run]: does at once what the service does every ten minutes.
import { parseArgs } from "node:util";

import { CleanupJob } from "../jobs/cleanup-job.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run cleanup -- [--dry-run]";

await runProgram(USAGE, async ({ config, database, lifecycle, storage, log }) => {
  const isDryRun = readArguments();
  const result = await new CleanupJob(database, lifecycle, storage, config.cleanup, log).run({
    isDryRun,
    onWait: () => console.error("Another process is cleaning up: waiting for it."),
  });
  const { abandonedCount, settledCount, removedCount, failedCount } = result;
  console.log(isDryRun ? "A dry run: nothing has been changed. It would be:" : "Cleaned up:");
  console.log(`  ${abandonedCount} uploads that never became complete, removed`);
  console.log(`  ${settledCount} changes of a picture that a crash interrupted, finished`);
  console.log(`  ${removedCount} deleted or replaced pictures past the retention time, removed`);
  console.log(`  ${failedCount} that could not be dealt with`);
  return failedCount === 0 ? 0 : 1;
});

function readArguments(): boolean {
  try {
    const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
    return values["dry-run"];
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
