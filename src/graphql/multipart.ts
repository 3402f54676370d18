// Accepts the GraphQL multipart request specification. Registered by `plugin.ts` in GraphQL's own scope.
import type { FastifyInstance } from "fastify";
import { processRequest } from "graphql-upload-ts";

import type { AccessTokens } from "../auth/access-token.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { isMultipart } from "../http/is-multipart.ts";
import { translateUploadError } from "../services/read-upload.ts";
import { removeStaleFiles } from "./stale-files.ts";

/** `operations` and `map` are JSON: as long as a plain request may be. */
const MAX_FIELD_BYTES = 256 * 1024;

/** No mutation takes more than one file. */
const MAX_FILE_COUNT = 1;

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
    // Nobody without a token may upload, so nobody's file is received before that is known.
    if (!(await tokens.identify(request.headers.authorization))) {
      throw new AppError("UNAUTHENTICATED", "Sign in first: send Authorization: Bearer <token>.");
    }
  });
  app.addHook("onReady", async () => {
    try {
      const fileCount = await removeStaleFiles();
      if (fileCount > 0) app.log.info({ fileCount }, "removed temporary files of a process that was killed");
    } catch (error) {
      app.log.warn({ err: error }, "temporary files could not be looked for");
    }
  });
  // The body stays unread until the hook below.
  app.addContentTypeParser("multipart/form-data", (_request, _payload, done) => done(null));
  app.addHook("preValidation", async (request, reply) => {
    if (!isMultipart(request.headers)) return;
    try {
      request.body = await processRequest(request.raw, reply.raw, {
        maxFieldSize: MAX_FIELD_BYTES,
        maxFileSize: pictureLimits.maxFileBytes + 1, // The library's limit is exclusive.
        maxFiles: MAX_FILE_COUNT,
      });
    } catch (cause) {
      // The library's own sentences say what is wrong with the form, and have a status; those of its parser do not.
      const { status, message } = cause as Error & { status?: number };
      throw status === undefined
        ? translateUploadError(cause)
        : new AppError("BAD_USER_INPUT", message, { cause });
    }
  });
}
