// Renders errors for REST clients: a status and a JSON body.
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";

import { AppError } from "../errors.ts";
import { headersOf } from "../http/error-headers.ts";
import { logFailure } from "../http/log-failure.ts";
import { toAppError } from "../http/to-app-error.ts";

export interface RenderedError {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Logs an error and renders it. Caches must not store the response. */
export function renderError(error: unknown, requestId: string, log: FastifyBaseLogger): RenderedError {
  const appError = toAppError(error);
  logFailure(log, error, appError);
  const { code, message, status, details } = appError;
  const body = Buffer.from(JSON.stringify({ success: false, message, code, ...details, requestId }));
  const headers = {
    ...headersOf(appError),
    "cache-control": "no-store",
    "content-type": "application/json; charset=utf-8",
    "content-length": String(body.length),
  };
  return { status, headers, body };
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = renderError(error, request.id, request.log);
  return reply.code(status).headers(headers).send(body);
}

/**
 * Sends 405 when the path has only routes for other methods, and 404 otherwise.
 *
 * @param allowedMethods the methods that the path supports, separated by ", "; null for an unknown path
 */
export function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  allowedMethods: string | null,
): FastifyReply {
  const path = request.url.split("?", 1)[0];
  if (allowedMethods !== null && !allowedMethods.split(", ").includes(request.method)) {
    reply.header("allow", allowedMethods);
    const message = `${path} supports only ${allowedMethods}.`;
    return sendError(new AppError("BAD_USER_INPUT", message, { status: 405 }), request, reply);
  }
  return sendError(
    new AppError("NOT_FOUND", `There is nothing at ${request.method} ${path}.`),
    request,
    reply,
  );
}
