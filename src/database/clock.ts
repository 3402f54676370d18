// The time by the database's clock: the one that all processes share.
import type { Connection } from "mongoose";

import { querying } from "./errors.ts";

/**
 * Processes whose clocks differ have to agree on the age of a record. The database is asked twice a second by the change feed;
 * in between this process's clock goes on from there.
 */
export class DatabaseClock {
  #offsetMs = 0;

  constructor(readonly connection: Connection) {}

  /** Asks the database. @throws DATABASE_UNAVAILABLE */
  async read(): Promise<Date> {
    const askedAtMs = Date.now();
    const { localTime } = await querying(() => this.connection.db!.command({ hello: 1 }));
    this.#offsetMs = +(localTime as Date) - (askedAtMs + Date.now()) / 2;
    return localTime as Date;
  }

  /** As far as the database is ahead of this process's clock; negative where it is behind. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** The time without asking. */
  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }
}
