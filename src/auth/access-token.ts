// Verifies bearer tokens, and issues them if the service has the signing secret.
import { randomUUID } from "node:crypto";

import { createRemoteJWKSet, errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyGetKey } from "jose";

import { isId, parseId, type UserId } from "../domain/ids.ts";
import { Cache } from "../runtime/cache.ts";
import type { Actor } from "./actor.ts";
import { AppError } from "../errors.ts";

/** Each kind of `TokenSource` has its own algorithms, so that a public key is never used as a shared secret. */
const SHARED_SECRET_ALGORITHMS = ["HS256"];
const KEY_SET_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519", // The new name of EdDSA with this curve. Source: RFC 9864.
];

const TOKEN_LIFETIME = "7 days";

const KEY_SET_TIMEOUT_MS = 5_000;

/**
 * How long a verified token and a key set are cached, because a client sends the same token with each request. A key
 * that was withdrawn is accepted for at most twice this time.
 */
const PROVEN_FOR_MS = 30_000;
const MAX_PROVEN_COUNT = 10_000;

export type TokenSource =
  | { kind: "shared-secret"; secret: string }
  | { kind: "key-set"; url: string; issuer: string; audience: string };

export interface Caller {
  actor: Actor;
  /** Wall-clock time until which the token is accepted; Infinity for a token that does not expire. */
  expiresAtMs: number;
}

type Verify = (token: string) => Promise<JWTPayload>;

export class AccessTokens {
  readonly #verify: Verify;
  readonly #secret: Uint8Array | null;
  readonly #proven = new Cache<string, { caller: Caller; untilMs: number }>({ maxWeight: MAX_PROVEN_COUNT });

  /** @param clockToleranceSeconds maximum difference between our clock and that of the token's issuer */
  constructor(
    source: TokenSource,
    readonly clockToleranceSeconds: number,
  ) {
    if (source.kind === "shared-secret") {
      const secret = new TextEncoder().encode(source.secret);
      this.#secret = secret;
      this.#verify = async (token) =>
        (
          await jwtVerify(token, secret, {
            algorithms: SHARED_SECRET_ALGORITHMS,
            clockTolerance: clockToleranceSeconds,
            requiredClaims: ["sub"],
          })
        ).payload;
    } else {
      const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(source.url), {
        timeoutDuration: KEY_SET_TIMEOUT_MS,
        cacheMaxAge: PROVEN_FOR_MS,
      });
      this.#secret = null;
      this.#verify = async (token) =>
        (
          await jwtVerify(token, keys, {
            algorithms: KEY_SET_ALGORITHMS,
            issuer: source.issuer,
            audience: source.audience,
            clockTolerance: clockToleranceSeconds,
            requiredClaims: ["sub", "exp"],
          })
        ).payload;
    }
  }

  /**
   * Returns the actor that an `Authorization` header identifies; null without a header.
   *
   * @throws UNAUTHENTICATED when the header does not contain a valid access token
   * @throws OVERLOADED when the key set cannot be fetched
   */
  async identify(authorization: string | undefined): Promise<Actor | null> {
    return authorization === undefined ? null : (await this.prove(authorization)).actor;
  }

  /**
   * Returns the actor that an `Authorization` header identifies, and the time until which the token is accepted.
   *
   * @throws as `identify`
   */
  async prove(authorization: string): Promise<Caller> {
    const [, token] = /^Bearer +([^\s]+) *$/i.exec(authorization) ?? [];
    if (!token) throw unauthenticated("The Authorization header must be: Bearer <token>.");
    const proven = this.#proven.get(token);
    if (proven && Date.now() < proven.untilMs) return proven.caller;
    const { sub, exp = Infinity, type = "access" } = await this.#check(token);
    // LetsApp's refresh tokens have another type. Clients use them only to get access tokens.
    if (type !== "access") throw unauthenticated("The token is not an access token.");
    if (typeof sub !== "string" || !isId(sub)) throw unauthenticated("The token does not name a user.");
    const actor: Actor = {
      id: parseId(sub, "user"),
      roles: [],
      authentication: this.#secret ? "shared-secret" : "key-set",
    };
    const caller = { actor, expiresAtMs: (exp + this.clockToleranceSeconds) * 1000 };
    const untilMs = Math.min(Date.now() + PROVEN_FOR_MS, caller.expiresAtMs);
    this.#proven.set(token, { caller, untilMs });
    return caller;
  }

  /**
   * Returns a token for a user, with the claims that LetsApp's server expects.
   *
   * @throws FORBIDDEN when tokens come from an identity provider
   */
  async issue(userId: UserId): Promise<string> {
    this.assertCanIssue();
    return new SignJWT({ type: "access", fresh: false })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject(userId)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(TOKEN_LIFETIME)
      .sign(this.#secret!);
  }

  /** @throws FORBIDDEN when tokens come from an identity provider */
  assertCanIssue(): void {
    if (!this.#secret)
      throw new AppError("FORBIDDEN", "Accounts are kept by the identity provider. Sign in there.");
  }

  async #check(token: string): Promise<JWTPayload> {
    try {
      return await this.#verify(token);
    } catch (cause) {
      if (cause instanceof errors.JWTExpired)
        throw unauthenticated("The token has expired. Sign in again.", cause);
      if (isNotValidYet(cause))
        throw unauthenticated("The token is not valid yet. Its issuer's clock may be wrong.", cause);
      if (isAboutToken(cause)) throw unauthenticated("The token is not valid. Sign in again.", cause);
      throw new AppError("OVERLOADED", "Tokens cannot be verified right now. Try again in a moment.", {
        cause,
      });
    }
  }
}

/** True when jose rejects the token itself; false when jose cannot fetch or read the key set. */
function isAboutToken(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  return error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC";
}

/** True when the time in the claim `nbf` is in the future by more than the clock tolerance. */
function isNotValidYet(error: unknown): boolean {
  const isRefused = error instanceof errors.JWTClaimValidationFailed && error.reason === "check_failed";
  return isRefused && error.claim === "nbf";
}

function unauthenticated(message: string, cause?: unknown): AppError {
  return new AppError("UNAUTHENTICATED", message, { cause });
}
