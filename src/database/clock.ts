// The time by the database's clock: the one that all processes share. Used by `media-repository.ts` and `lease.ts`.
import type { Connection } from "mongoose";

import { querying } from "./errors.ts";

export async function readClock(connection: Connection): Promise<Date> {
  const { localTime } = await querying(() => connection.db!.command({ hello: 1 }));
  return localTime as Date;
}
