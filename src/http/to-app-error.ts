// Turns whatever a request failed with into one of our errors. Called by the error renderers of both doors.
import type { FastifyError } from "fastify";

import { AppError, unknownError } from "../errors.ts";

/**
 * Our own errors as they are; the web framework's, which all blame the request, as BAD_USER_INPUT with its
 * status; anything else as INTERNAL_SERVER_ERROR.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { statusCode, message, code } = error as Partial<FastifyError>;
  const blamesRequest =
    code?.startsWith("FST_") && statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  if (!blamesRequest) return unknownError(error);
  return new AppError("BAD_USER_INPUT", message ?? "The request is malformed.", {
    cause: error,
    status: statusCode,
  });
}
