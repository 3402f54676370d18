// npm run erase -- --user ID: removes all pictures of one user at once, without waiting for the retention time.
import { parseArgs } from "node:util";

import { userTag } from "../domain/cache-tags.ts";
import { isId, type UserId } from "../domain/ids.ts";
import { erasePictures } from "../operations/erasure.ts";
import { RenditionFolder } from "../storage/rendition-folder.ts";
import { runProgram, UsageError } from "./program.ts";

const USAGE = "Usage: npm run erase -- --user ID";

await runProgram(USAGE, async ({ config, database, lifecycle, storage, cdnPurge }) => {
  const userId = readArguments();
  const renditions = new RenditionFolder(config.media.renditionDir, config.media.renditionBytes);
  const { erasedCount, leftAloneCount } = await erasePictures(
    userId,
    database,
    lifecycle,
    storage,
    renditions,
  );
  cdnPurge?.purge(userTag(userId)); // Purges also pictures that were deleted long ago.
  console.log(
    `${erasedCount} ${erasedCount === 1 ? "picture" : "pictures"} erased: objects, records and pointer.`,
  );
  if (leftAloneCount > 0)
    console.log(`${leftAloneCount} records of LetsApp left unchanged: their files are not in this storage.`);
  return 0;
});

function readArguments(): UserId {
  const { values } = parseArgs({ options: { user: { type: "string" } } });
  const id = values.user?.toLowerCase() ?? "";
  if (!isId(id)) throw new UsageError("A user id is 24 hexadecimal digits.");
  return id;
}
