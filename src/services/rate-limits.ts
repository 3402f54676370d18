// Limits how often a user or a network may upload, change pictures and sign in. REST and GraphQL share the limits.
// Attempts are counted in memory, or in the database if several processes share it.
import { createHash } from "node:crypto";

import { RateLimiterRes, type RateLimiterAbstract } from "rate-limiter-flexible";

import type { UserId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";

export const WINDOW_SECONDS = 60;

/**
 * Attempts to upload per allowed upload. Attempts include files that are refused before they cost image work: a user who
 * chooses a file of a wrong type or size can choose another one at once.
 */
const ATTEMPTS_PER_UPLOAD = 6;

/** Deletions and restorations that a user may make per allowed upload: far more than a user needs. */
const CHANGES_PER_UPLOAD = 12;

/** Creates a limiter that allows `points` attempts in `duration` seconds; see `database/rate-limit-store.ts`. */
export type RateLimiterFactory = (options: {
  keyPrefix: string;
  points: number;
  duration: number;
}) => RateLimiterAbstract;

export class RateLimits {
  readonly #attempts: RateLimiterAbstract;
  readonly #uploads: RateLimiterAbstract;
  readonly #changes: RateLimiterAbstract;
  readonly #signIns: RateLimiterAbstract;

  constructor(
    limits: { uploadsPerMinute: number; signInsPerMinute: number },
    createLimiter: RateLimiterFactory,
  ) {
    const policy = (keyPrefix: string, points: number) =>
      createLimiter({ keyPrefix, points, duration: WINDOW_SECONDS });
    this.#attempts = policy("upload-attempt", limits.uploadsPerMinute * ATTEMPTS_PER_UPLOAD);
    this.#uploads = policy("upload", limits.uploadsPerMinute);
    this.#changes = policy("change", limits.uploadsPerMinute * CHANGES_PER_UPLOAD);
    this.#signIns = policy("sign-in", limits.signInsPerMinute);
  }

  /**
   * Counts an attempt to upload, before its file is read. Refuses it also when the user's uploads of this minute are used
   * up. Several concurrent attempts may pass for the last upload: `consumeUpload` decides among them.
   *
   * @throws RATE_LIMITED with `retryAfterSeconds`
   */
  async admitUpload(userId: UserId): Promise<void> {
    await consume(this.#attempts, userId, "upload attempts");
    const uploads = await this.#uploads.get(userId);
    if (uploads && uploads.consumedPoints >= this.#uploads.points)
      throw tooMany(this.#uploads, "uploads", uploads.msBeforeNext);
  }

  /** Counts one upload, before the work on its image. @throws RATE_LIMITED with `retryAfterSeconds` */
  async consumeUpload(userId: UserId): Promise<void> {
    await consume(this.#uploads, userId, "uploads");
  }

  /** Counts a deletion or a restoration. @throws RATE_LIMITED with `retryAfterSeconds` */
  async consumeChange(userId: UserId): Promise<void> {
    await consume(this.#changes, userId, "changes");
  }

  /** Counts an attempt to register or sign in, so that one network cannot try many accounts. @throws RATE_LIMITED */
  async consumeNetwork(network: string): Promise<void> {
    await consume(this.#signIns, `address:${network}`, "attempts");
  }

  /** Counts an attempt on an account, so that many networks cannot try one account. @throws RATE_LIMITED */
  async consumeAccount(account: string): Promise<void> {
    await consume(this.#signIns, `account:${digestOf(account.toLowerCase())}`, "attempts");
  }
}

async function consume(limiter: RateLimiterAbstract, key: string, what: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw tooMany(limiter, what, refusal.msBeforeNext);
  }
}

function tooMany({ points }: RateLimiterAbstract, what: string, waitMs: number): AppError {
  // The wait is at most one window, also when the clock was set back.
  const retryAfterSeconds = Math.min(Math.max(1, Math.ceil(waitMs / 1000)), WINDOW_SECONDS);
  return new AppError("RATE_LIMITED", `Too many ${what}. Try again in ${retryAfterSeconds} seconds.`, {
    limit: points,
    retryAfterSeconds,
  });
}

/** Hashes the name that a client sent: a counter's key must be short and must not contain an e-mail address. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
