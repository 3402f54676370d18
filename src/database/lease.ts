// That something is done by one process at a time, whichever. Used by `jobs/cleanup-job.ts`.
import { randomBytes } from "node:crypto";

import type { Connection } from "mongoose";

import type { DatabaseClock } from "./clock.ts";
import { isDuplicateKey, querying } from "./errors.ts";

/** A process that was killed holds it for so long, by the database's clock. */
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;

interface LeaseRecord {
  _id: string;
  holder: string;
  renewed_at: Date;
}

/**
 * Nothing keeps a process from going on that was paused for longer than its lease: what is done under it has to be
 * right when it is done twice.
 */
export class Lease {
  readonly #holder = randomBytes(12).toString("hex");

  constructor(
    readonly connection: Connection,
    readonly clock: Pick<DatabaseClock, "read">,
    readonly name: string,
  ) {}

  /** Does the work while no other process does. @returns null when another one does it now */
  async hold<Result>(work: () => Promise<Result>): Promise<Result | null> {
    if (!(await this.#acquire())) return null;
    const renewing = setInterval(() => void this.#renew().catch(() => {}), RENEW_MS); // The next time may do.
    try {
      return await work();
    } finally {
      clearInterval(renewing);
      await this.#release().catch(() => {}); // It ends by itself.
    }
  }

  get #leases() {
    return this.connection.collection<LeaseRecord>("leases");
  }

  async #acquire(): Promise<boolean> {
    const now = await this.clock.read();
    const lease = { _id: this.name, holder: this.#holder, renewed_at: now };
    try {
      await querying(() => this.#leases.insertOne(lease));
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const [past, future] = [new Date(+now - LEASE_MS), new Date(+now + LEASE_MS)];
    // The clock may have been set back since, or another server is asked.
    const over = { _id: this.name, $or: [{ renewed_at: { $lt: past } }, { renewed_at: { $gt: future } }] };
    const { matchedCount } = await querying(() => this.#leases.updateOne(over, { $set: lease }));
    return matchedCount === 1;
  }

  async #renew(): Promise<void> {
    const now = await this.clock.read();
    const own = { _id: this.name, holder: this.#holder };
    await querying(() => this.#leases.updateOne(own, { $set: { renewed_at: now } }));
  }

  async #release(): Promise<void> {
    await querying(() => this.#leases.deleteOne({ _id: this.name, holder: this.#holder }));
  }
}
