// What the log says of a failed request. Called by the error renderers of both doors.
import type { FastifyBaseLogger } from "fastify";

import type { AppError } from "../errors.ts";

/** Our own faults with their cause; a caller's only where somebody looks for them, at level debug. */
export function logFailure(log: FastifyBaseLogger, error: unknown, appError: AppError): void {
  const { status, code, cause, message } = appError;
  const level = status >= 500 ? "error" : "debug";
  log[level]({ err: cause ?? error, code }, message);
}
