// The lifecycle of pictures for a program beside the service: its changes have no subscribers.
import type { Database } from "../../src/database/connection.ts";
import { Changes } from "../../src/services/changes.ts";
import { PictureLifecycle } from "../../src/services/picture-lifecycle.ts";

export function lifecycleOf(database: Pick<Database, "users" | "media">): PictureLifecycle {
  return new PictureLifecycle(database, new Changes());
}
