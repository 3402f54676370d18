// Renders errors for plain HTTP: a status, and a body that a program can read. Used by `plugin.ts` and, for
// routes that are nobody's, by `app.ts`.
import type { FastifyReply, FastifyRequest } from "fastify";

import { AppError } from "../errors.ts";
import { headersOf } from "../http/error-headers.ts";
import { logFailure } from "../http/log-failure.ts";
import { toAppError } from "../http/to-app-error.ts";

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toAppError(error);
  logFailure(request.log, error, appError);
  const { code, message, status, details } = appError;
  reply.headers(headersOf(appError));
  return reply
    .code(status)
    .header("cache-control", "no-store")
    .send({ success: false, message, code, ...details, requestId: request.id });
}

/** @param allowedMethods what the address takes; null where there is nothing */
export function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  allowedMethods: string | null,
): FastifyReply {
  const path = request.url.split("?", 1)[0];
  if (allowedMethods !== null && !allowedMethods.split(", ").includes(request.method)) {
    reply.header("allow", allowedMethods);
    const message = `${path} takes ${allowedMethods}.`;
    return sendError(new AppError("BAD_USER_INPUT", message, { status: 405 }), request, reply);
  }
  return sendError(
    new AppError("NOT_FOUND", `There is nothing at ${request.method} ${path}.`),
    request,
    reply,
  );
}
