// Logs a failed request, for GraphQL and REST.
import type { FastifyBaseLogger } from "fastify";

import type { AppError } from "../errors.ts";

/**
 * Logs a fault of the service with its cause, at level error. Logs OVERLOADED at level warn and a rejected request at
 * level debug, with only the message of the cause: under load, stacks would fill the log, and the other fields of a
 * library's error may contain data that the client sent.
 */
export function logFailure(log: FastifyBaseLogger, error: unknown, appError: AppError): void {
  const { status, code, cause, message } = appError;
  const reason = (cause as Error | undefined)?.message;
  if (code === "OVERLOADED") log.warn({ code, reason }, message);
  else if (status >= 500) log.error({ err: cause ?? error, code }, message);
  else log.debug({ code, reason }, message);
}
