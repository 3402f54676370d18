// Converts the error of a failed request to an `AppError`.
import { AppError, unknownError } from "../errors.ts";

/** An error of the web framework or the upload library for a request that it rejects. */
interface RequestError {
  statusCode?: number;
  message?: string;
  /** A number in an error of the database. */
  code?: unknown;
  /** True when the message is meant for the client. */
  expose?: boolean;
}

/**
 * Returns an `AppError` unchanged. A library's error that blames the request becomes BAD_USER_INPUT with the status of
 * that error. Any other error becomes INTERNAL_SERVER_ERROR.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { statusCode = 500, message = "", code, expose } = error as RequestError;
  // The web framework reports ECONNRESET with status 400 when a client closes its connection within a body.
  const isFrameworks = String(code).startsWith("FST_") || code === "ECONNRESET";
  const blamesRequest = (isFrameworks || expose === true) && statusCode >= 400 && statusCode < 500;
  if (!blamesRequest) return unknownError(error);
  return new AppError("BAD_USER_INPUT", message, { cause: error, status: statusCode });
}
