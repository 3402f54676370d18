// How often somebody may do something: one policy for both doors. Called by `graphql/rate-limit.ts` and by
// `rest/profile-picture.route.ts`; counted in memory, or in the database where there are several processes.
import { createHash } from "node:crypto";

import { RateLimiterRes, type RateLimiterAbstract } from "rate-limiter-flexible";

import type { UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";

export const WINDOW_SECONDS = 60;

/** Deletions and restorations of one user within a window, for each upload that is allowed: far more than people need. */
const CHANGES_PER_UPLOAD = 12;

/** Makes a counter of `points` per window; `database/rate-limit-store.ts` has the two kinds. */
export type RateLimiterFactory = (options: {
  keyPrefix: string;
  points: number;
  duration: number;
}) => RateLimiterAbstract;

export class RateLimits {
  readonly #uploads: RateLimiterAbstract;
  readonly #changes: RateLimiterAbstract;
  readonly #signIns: RateLimiterAbstract;

  constructor(
    limits: { uploadsPerMinute: number; signInsPerMinute: number },
    createLimiter: RateLimiterFactory,
  ) {
    const policy = (keyPrefix: string, points: number) =>
      createLimiter({ keyPrefix, points, duration: WINDOW_SECONDS });
    this.#uploads = policy("upload", limits.uploadsPerMinute);
    this.#changes = policy("change", limits.uploadsPerMinute * CHANGES_PER_UPLOAD);
    this.#signIns = policy("sign-in", limits.signInsPerMinute);
  }

  /** Counts one upload. @throws RATE_LIMITED with `retryAfterSeconds` */
  async consumeUpload(userId: UserId): Promise<void> {
    await consume(this.#uploads, userId, "uploads");
  }

  /** Counts a deletion or a restoration. @throws RATE_LIMITED with `retryAfterSeconds` */
  async consumeChange(userId: UserId): Promise<void> {
    await consume(this.#changes, userId, "changes");
  }

  /** Counts an attempt to register or to sign in from an address, so that nobody tries many accounts. @throws RATE_LIMITED */
  async consumeNetwork(network: string): Promise<void> {
    await consume(this.#signIns, `address:${network}`, "attempts");
  }

  /** Counts an attempt on an account, so that many addresses do not try one. @throws RATE_LIMITED */
  async consumeAccount(account: string): Promise<void> {
    await consume(this.#signIns, `account:${digestOf(account.toLowerCase())}`, "attempts");
  }
}

async function consume(limiter: RateLimiterAbstract, key: string, what: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // Never more than the window, though the clock may have been set back.
    const seconds = Math.ceil(refusal.msBeforeNext / 1000);
    const retryAfterSeconds = Math.min(Math.max(1, seconds), WINDOW_SECONDS);
    throw new AppError("RATE_LIMITED", `Too many ${what}. Try again in ${retryAfterSeconds} seconds.`, {
      limit: limiter.points,
      retryAfterSeconds,
    });
  }
}

/** What somebody types as an account may be long, or somebody's address: neither belongs into a counter's key. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
