// npm run backup -- --to FOLDER: copies records, pictures and secret, while the service runs. To restore is to start the
// service with that folder as its INSTANCE_DIR.
import { parseArgs } from "node:util";

import { backUp } from "../jobs/backup.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run backup -- --to FOLDER";

await runProgram(USAGE, async (source) => {
  const folder = readArguments();
  const { hasRecords, objectCount } = await backUp(source, folder);
  console.log(`${objectCount} objects copied to ${folder}.`);
  console.log(
    hasRecords
      ? "The records are with them."
      : "The records are in MongoDB: copy them with mongodump, first.",
  );
  return 0;
});

function readArguments(): string {
  try {
    const { to } = parseArgs({ options: { to: { type: "string" } } }).values;
    if (!to) throw new Error("Say where to.");
    return to;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
