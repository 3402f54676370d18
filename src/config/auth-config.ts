// Reads the settings for access tokens.
import path from "node:path";

import type { EnvironmentReader } from "./environment.ts";

type TokenConfig =
  | { kind: "shared-secret"; secret: string }
  | { kind: "secret-file"; secretFile: string }
  | { kind: "generated-secret"; secretFile: string }
  | { kind: "key-set"; url: string; issuer: string; audience: string };

export type AuthConfig = TokenConfig & {
  /** Maximum difference between the clock of a token issuer and ours. */
  clockToleranceSeconds: number;
};

/** @param isShared true if several processes may use the database, and therefore need the same secret */
export function readAuth(read: EnvironmentReader, isShared: boolean, instanceDir: string): AuthConfig {
  const clockToleranceSeconds = read.integer("JWT_CLOCK_TOLERANCE_SECONDS", {
    fallback: 120,
    min: 0,
    max: 600,
  });
  return { ...readTokens(read, isShared, instanceDir), clockToleranceSeconds };
}

function readTokens(read: EnvironmentReader, isShared: boolean, instanceDir: string): TokenConfig {
  const [secret, secretFile] = [read.text("JWT_SECRET"), read.text("JWT_SECRET_FILE")];
  const url = read.url("JWT_JWKS_URL", ["http:", "https:"]);
  const [issuer, audience] = [read.text("JWT_ISSUER"), read.text("JWT_AUDIENCE")];
  if ([secret, secretFile, url].filter((one) => one !== undefined).length > 1) {
    read.addProblem("JWT_SECRET, JWT_SECRET_FILE and JWT_JWKS_URL cannot be combined. Set only one of them.");
  }
  if (url) {
    if (!issuer) read.addProblem("JWT_ISSUER is required with JWT_JWKS_URL.");
    if (!audience) read.addProblem("JWT_AUDIENCE is required with JWT_JWKS_URL.");
    return { kind: "key-set", url, issuer: issuer ?? "", audience: audience ?? "" };
  }
  if (issuer)
    read.addProblem(
      "JWT_ISSUER has no effect without JWT_JWKS_URL. Set JWT_JWKS_URL too, or remove this variable.",
    );
  if (audience)
    read.addProblem(
      "JWT_AUDIENCE has no effect without JWT_JWKS_URL. Set JWT_JWKS_URL too, or remove this variable.",
    );
  if (secret) return { kind: "shared-secret", secret };
  if (secretFile) return { kind: "secret-file", secretFile: path.resolve(secretFile) };
  if (isShared) {
    read.addProblem(
      "With MONGODB_URI, set JWT_SECRET, JWT_SECRET_FILE or JWT_JWKS_URL: all processes must accept the same tokens.",
    );
  }
  return { kind: "generated-secret", secretFile: path.join(instanceDir, "jwt-secret") };
}
