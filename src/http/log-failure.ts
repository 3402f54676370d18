// What the log says of a failed request. Called by the error renderers of both doors.
import type { FastifyBaseLogger } from "fastify";

import type { AppError } from "../errors.ts";

/**
 * Our own faults with their cause; of a caller's at level debug why it was refused, and no more: an error of a library's
 * may hold what the caller sent.
 */
export function logFailure(log: FastifyBaseLogger, error: unknown, appError: AppError): void {
  const { status, code, cause, message } = appError;
  if (status >= 500) log.error({ err: cause ?? error, code }, message);
  else log.debug({ code, reason: (cause as Error | undefined)?.message }, message);
}
