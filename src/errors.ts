// Every way in which a request can fail. Services and adapters throw `AppError`; the doors render it:
// `graphql/format-error.ts` as `extensions.code`, `rest/error-body.ts` as a status and a body.

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

/** What a program needs beside the code. Only what applies is there. */
export interface ErrorDetails {
  /** The bound that was passed, in the unit that the message names. */
  limit?: number;
  /** What was found instead. */
  actual?: number | string;
  /** The values that would have been accepted. */
  allowed?: readonly string[];
  retryAfterSeconds?: number;
}

/** How long to wait where nobody can say when it will work again. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** A failure that is told to the caller as it stands; `cause` is for the log alone. */
export class AppError extends Error {
  readonly status: number;
  readonly details: ErrorDetails;

  /** @param options.status in place of the code's own, where HTTP has a more precise one */
  constructor(
    readonly code: ErrorCode,
    message: string,
    {
      cause,
      status = errorStatus[code],
      ...details
    }: ErrorDetails & { cause?: unknown; status?: number } = {},
  ) {
    // A stack takes longer than most requests, and the log has none for a caller's fault.
    const { stackTraceLimit } = Error;
    if (status < 500) Error.stackTraceLimit = 0;
    super(message, { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "AppError";
    this.status = status;
    const isTemporary = errorStatus[code] === 503;
    this.details = isTemporary ? { retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS, ...details } : details;
  }
}

/** What the caller is shown of an error that nobody foresaw. */
export function unknownError(cause: unknown): AppError {
  return new AppError("INTERNAL_SERVER_ERROR", "Something went wrong on our side.", { cause });
}

/** In one line, and for the operator alone: also what is behind it. */
export function withCause(error: Error): string {
  const { message, code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const cause = message || code;
  return (cause ? `${error.message} (${cause})` : error.message).replace(/\s*\n\s*/g, " ");
}
