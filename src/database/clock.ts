// Reads the database's clock, the one that all processes share.
import type { Connection } from "mongoose";

import { querying } from "./errors.ts";

/**
 * Gives all processes the same time, so that they agree on the age of a record even if their own clocks differ. The
 * change feed calls `read` twice a second. Between two reads, `now` adds the last known offset to this process's clock.
 */
export class DatabaseClock {
  #offsetMs = 0;

  constructor(readonly connection: Connection) {}

  /** Queries the database's clock and updates the offset. @throws DATABASE_UNAVAILABLE */
  async read(): Promise<Date> {
    const askedAtMs = Date.now();
    const { localTime } = await querying(() => this.connection.db!.command({ hello: 1 }));
    this.#offsetMs = +(localTime as Date) - (askedAtMs + Date.now()) / 2;
    return localTime as Date;
  }

  /** How far the database's clock is ahead of this process's clock; negative if it is behind. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** The database's time, computed from the last offset without a query. */
  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }
}
