// Accepts the GraphQL multipart request specification. Registered by `plugin.ts` in GraphQL's own scope.
import type { FastifyInstance } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import { AppError } from "../errors.ts";
import { isMultipart } from "../http/is-multipart.ts";
import { readUploadForm } from "./upload-form.ts";

/**
 * A browser sends multipart without asking the server first, so another site could make it send one with the
 * user's credentials. A header of ours cannot be sent without asking. Source: Apollo Server, "CSRF prevention".
 */
const preflightHeaders = ["apollo-require-preflight", "x-apollo-operation-name"];

export function acceptMultipart(app: FastifyInstance, tokens: AccessTokens): void {
  app.addHook("onRequest", async (request) => {
    if (!isMultipart(request.headers)) return;
    if (!preflightHeaders.some((name) => request.headers[name])) {
      throw new AppError("BAD_USER_INPUT", "Uploads need the header Apollo-Require-Preflight: true.");
    }
    // Uploads need a token, so no file is received from a client without one.
    if (!(await tokens.identify(request.headers.authorization))) {
      throw new AppError("UNAUTHENTICATED", "Sign in first: send Authorization: Bearer <token>.");
    }
  });
  // The body stays unread until the hook below.
  app.addContentTypeParser("multipart/form-data", (_request, _payload, done) => done(null));
  app.addHook("preValidation", async (request) => {
    if (isMultipart(request.headers)) request.body = await readUploadForm(request.raw);
  });
}
