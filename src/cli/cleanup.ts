// npm run cleanup -- [--dry-run]: runs the clean-up job once. The service runs it every ten minutes.
import { parseArgs } from "node:util";

import { CleanupJob } from "../jobs/cleanup-job.ts";
import { runProgram } from "./program.ts";

const USAGE = "Usage: npm run cleanup -- [--dry-run]";

await runProgram(USAGE, async ({ config, database, lifecycle, storage, log }) => {
  const isDryRun = readArguments();
  const result = await new CleanupJob(database, lifecycle, storage, config.cleanup, log).run({
    isDryRun,
    onWait: () => console.error("Another process is cleaning up: waiting for it."),
  });
  const { abandonedCount, settledCount, removedCount, failedCount } = result;
  console.log(isDryRun ? "Dry run: nothing has been changed. Without --dry-run:" : "Cleaned up:");
  console.log(`  ${abandonedCount} incomplete uploads removed`);
  console.log(`  ${settledCount} interrupted changes of a picture finished`);
  console.log(`  ${removedCount} deleted or replaced pictures removed after the retention time`);
  console.log(`  ${failedCount} records failed; the next run tries again`);
  return failedCount === 0 ? 0 : 1;
});

function readArguments(): boolean {
  const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
  return values["dry-run"];
}
