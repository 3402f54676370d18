// npm run backup -- --to FOLDER: copies records, pictures and secret, while the service runs. To restore is to start the
// service with that folder as its INSTANCE_DIR.
import { parseArgs } from "node:util";

import { backUp } from "../operations/backup.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run backup -- --to FOLDER";

await runProgram(USAGE, async (source) => {
  const folder = readArguments();
  const { hasRecords, objectCount, missing } = await backUp(source, folder);
  for (const objectKey of missing) console.log(`missing: ${objectKey}`);
  if (missing.length > 0) {
    console.log(
      `${objectCount} objects copied to ${folder}.unfinished; ${missing.length} that records name are nowhere. Is the storage the right one, and mounted? Else run the doctor, and then this again.`,
    );
    return 1;
  }
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
