// A lease in the database: one process at a time does a job, such as the clean-up.
import { randomBytes } from "node:crypto";

import type { Connection } from "mongoose";

import type { DatabaseClock } from "./clock.ts";
import { isDuplicateKey, querying } from "./errors.ts";

/** How long a killed process still holds its lease, by the database's clock. */
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;

interface LeaseRecord {
  _id: string;
  holder: string;
  renewed_at: Date;
}

/**
 * A process that is paused for longer than its lease does not notice, and continues while another process holds the
 * lease. The work must therefore be correct when two processes do it.
 */
export class Lease {
  readonly #holder = randomBytes(12).toString("hex");

  constructor(
    readonly connection: Connection,
    readonly clock: Pick<DatabaseClock, "read">,
    readonly name: string,
  ) {}

  /** Does the work unless another process holds the lease. @returns null when another process holds it */
  async hold<Result>(work: () => Promise<Result>): Promise<Result | null> {
    if (!(await this.#acquire())) return null;
    const renewing = setInterval(() => void this.#renew().catch(() => {}), RENEW_MS); // The next renewal may succeed.
    try {
      return await work();
    } finally {
      clearInterval(renewing);
      await this.#release().catch(() => {}); // The lease expires anyway.
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
    // A renewal time far in the future also counts as expired: the database's clock was set back, or another server,
    // whose clock differs, answered.
    const expired = { _id: this.name, $or: [{ renewed_at: { $lt: past } }, { renewed_at: { $gt: future } }] };
    const { matchedCount } = await querying(() => this.#leases.updateOne(expired, { $set: lease }));
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
