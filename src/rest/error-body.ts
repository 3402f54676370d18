// Renders errors for plain HTTP: a status, and a body that a program can read. Used by `plugin.ts` and, for
// routes that are nobody's, by `app.ts`.
import type { FastifyReply, FastifyRequest } from "fastify";

import { AppError } from "../errors.ts";
import { logFailure } from "../http/log-failure.ts";
import { toAppError } from "../http/to-app-error.ts";

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toAppError(error);
  logFailure(request.log, error, appError);
  const { code, message, status, details } = appError;
  if (details.retryAfterSeconds !== undefined) reply.header("retry-after", details.retryAfterSeconds);
  return reply
    .code(status)
    .header("cache-control", "no-store")
    .send({ success: false, message, code, ...details, requestId: request.id });
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split("?", 1)[0];
  return sendError(
    new AppError("NOT_FOUND", `There is nothing at ${request.method} ${path}.`),
    request,
    reply,
  );
}
