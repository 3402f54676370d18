// Every way in which a request can fail. Services and adapters throw `AppError`. `graphql/format-error.ts` renders it
// as `extensions.code`, and `rest/error-body.ts` as a status and a body.

/** The closed set of codes, each with its HTTP status. */
export const errorStatus = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  USER_NOT_FOUND: 404,
  MEDIA_NOT_FOUND: 404,
  NO_PROFILE_PICTURE: 404,
  BAD_USER_INPUT: 400,
  CONFLICT: 409,
  FILE_TOO_LARGE: 413,
  UNSUPPORTED_IMAGE_TYPE: 415,
  UNREADABLE_IMAGE: 422,
  IMAGE_TOO_COMPLEX: 422,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  STORAGE_UNAVAILABLE: 503,
  DATABASE_UNAVAILABLE: 503,
  INTERNAL_SERVER_ERROR: 500,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** Facts about an error for client programs, in addition to the code. Only those that apply are set. */
export interface ErrorDetails {
  /** The limit that the request did not keep, in the unit that the message names. */
  limit?: number;
  /** The value that was found instead. */
  actual?: number | string;
  /** The values that would have been accepted. */
  allowed?: readonly string[];
  retryAfterSeconds?: number;
}

/** Delay before a retry when the end of the failure is not known. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** A failure whose message the client receives unchanged. `cause` is only for the log. */
export class AppError extends Error {
  readonly status: number;
  readonly details: ErrorDetails;

  /** @param options.status replaces the status of the code where HTTP has a more precise one */
  constructor(
    readonly code: ErrorCode,
    message: string,
    {
      cause,
      status = errorStatus[code],
      ...details
    }: ErrorDetails & { cause?: unknown; status?: number } = {},
  ) {
    // Collecting a stack takes longer than most requests, and the log shows no stack for these errors.
    const { stackTraceLimit } = Error;
    if (status < 500 || code === "OVERLOADED") Error.stackTraceLimit = 0;
    super(message, { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "AppError";
    this.status = status;
    const isTemporary = errorStatus[code] === 503;
    this.details = isTemporary ? { retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS, ...details } : details;
  }
}

/** The error that the client receives for an unexpected failure. */
export function unknownError(cause: unknown): AppError {
  return new AppError("INTERNAL_SERVER_ERROR", "Something went wrong on our side.", { cause });
}

/** The message of an error and that of its cause, in one line. Only for the operator. */
export function withCause(error: Error): string {
  const { message, code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const cause = message || code;
  return (cause ? `${error.message} (${cause})` : error.message).replace(/\s*\n\s*/g, " ");
}
