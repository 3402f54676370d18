// Accepts forms of the GraphQL multipart request specification.
import type { FastifyInstance } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import { requireActor } from "../auth/permissions.ts";
import { AppError } from "../errors.ts";
import { isMultipart } from "../http/is-multipart.ts";
import { readUploadForm } from "./upload-form.ts";

/**
 * Browsers send multipart forms across sites without a CORS preflight, so another site could send one with the user's
 * credentials. A custom header requires a preflight. Source: Apollo Server, "CSRF prevention".
 */
const preflightHeaders = ["apollo-require-preflight", "x-apollo-operation-name"];

export function acceptMultipart(app: FastifyInstance, tokens: AccessTokens): void {
  app.addHook("onRequest", async (request) => {
    if (!isMultipart(request.headers)) return;
    if (!preflightHeaders.some((name) => request.headers[name])) {
      throw new AppError("BAD_USER_INPUT", "Uploads need the header Apollo-Require-Preflight: true.");
    }
    // Rejects a client without a token before any byte of the file is received.
    requireActor(await tokens.identify(request.headers.authorization));
  });
  // The parser leaves the body unread: the hook below reads it.
  app.addContentTypeParser("multipart/form-data", (_request, _payload, done) => done(null));
  app.addHook("preValidation", async (request) => {
    if (isMultipart(request.headers)) request.body = await readUploadForm(request.raw);
  });
}
