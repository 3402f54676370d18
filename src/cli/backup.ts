// npm run backup -- --to FOLDER: copies records, pictures and the generated secret, while the service runs. The
// operator restores the backup by starting the service with that folder as its INSTANCE_DIR.
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
      `${objectCount} objects copied to ${folder}.unfinished. ${missing.length} objects that records name are missing. Check that STORAGE_URL is right and that the storage is mounted. If so, run the doctor with --repair. Then remove the unfinished folder and run the backup again.`,
    );
    return 1;
  }
  console.log(`${objectCount} objects copied to ${folder}.`);
  console.log(
    hasRecords
      ? "The records were copied as well."
      : "The records are in MongoDB: copy them with mongodump before each backup.",
  );
  return 0;
});

function readArguments(): string {
  const { to } = parseArgs({ options: { to: { type: "string" } } }).values;
  if (!to) throw new UsageError("--to is required.");
  return to;
}
