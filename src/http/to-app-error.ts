// Turns whatever a request failed with into one of our errors. Called by the error renderers of both doors.
import { AppError, unknownError } from "../errors.ts";

/** What the web framework and the upload library say of a request that they do not accept. */
interface RequestError {
  statusCode?: number;
  message?: string;
  /** A database's is a number. */
  code?: unknown;
  /** Set where the message is meant for the client. */
  expose?: boolean;
}

/**
 * Our own errors as they are; those that blame the request as BAD_USER_INPUT with their own status; anything else
 * as INTERNAL_SERVER_ERROR.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { statusCode = 500, message = "", code, expose } = error as RequestError;
  // A connection that the client closes within a body is an ECONNRESET to which the web framework gives status 400.
  const isFrameworks = String(code).startsWith("FST_") || code === "ECONNRESET";
  const blamesRequest = (isFrameworks || expose === true) && statusCode >= 400 && statusCode < 500;
  if (!blamesRequest) return unknownError(error);
  return new AppError("BAD_USER_INPUT", message, { cause: error, status: statusCode });
}
