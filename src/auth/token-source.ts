// Reads the secret that signs tokens, or names the key set that verifies them.
import type { FastifyBaseLogger } from "fastify";

import type { AuthConfig } from "../config/config.ts";
import type { TokenSource } from "./access-token.ts";
import { readOrCreateSecret, readSecret } from "./secret-file.ts";

/** Source: RFC 7518, section 3.2. A shorter secret can be guessed from a single token. */
const MIN_SECRET_BYTES = 32;

/** @throws Error when the file of the secret cannot be read */
export async function readTokenSource(auth: AuthConfig, log: FastifyBaseLogger): Promise<TokenSource> {
  if (auth.kind === "key-set") return auth;
  const secret = await readSharedSecret(auth);
  // Only a warning: LetsApp's own secret may be shorter, and the service has to use the same one.
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    log.warn(
      `JWT_SECRET has fewer than ${MIN_SECRET_BYTES} bytes: it can be guessed from a single token, so use a longer one`,
    );
  return { kind: "shared-secret", secret };
}

async function readSharedSecret(auth: Exclude<AuthConfig, { kind: "key-set" }>): Promise<string> {
  switch (auth.kind) {
    case "shared-secret":
      return auth.secret;
    case "secret-file":
      return readSecret(auth.secretFile);
    case "generated-secret":
      return readOrCreateSecret(auth.secretFile);
  }
}
