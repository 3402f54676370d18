// npm run indexes: creates indexes that the service needs and the database lacks. The service may run at the same time.
import { createIndex, findMissingIndexes, nameOf, wantedIndexes } from "../database/indexes.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run indexes";

await runProgram(USAGE, async ({ config, database: { connection } }) => {
  if (process.argv.length > 2) throw new UsageError("This program takes no arguments.");
  const wanted = wantedIndexes(connection, config.database.kind === "mongodb");
  const missing = await findMissingIndexes(connection, wanted);
  for (const index of wanted) {
    const isMissing = missing.includes(index);
    if (isMissing) {
      console.log(`  ${nameOf(index)}: is being created`);
      await createIndex(connection, index);
    }
    console.log(`  ${nameOf(index)}: ${isMissing ? "created" : "is there"}`);
  }
  return 0;
});
