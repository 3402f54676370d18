// What can go wrong, as a code for programs and a sentence for people. To be copied with `client.ts`.
import { CombinedGraphQLErrors, ServerError } from "@apollo/client/errors";

/** The service's codes that a user of it can meet; CANNOT_CONNECT and UNKNOWN are this file's own. */
export type ErrorCode =
  | "BAD_USER_INPUT"
  | "CANNOT_CONNECT"
  | "CONFLICT"
  | "DATABASE_UNAVAILABLE"
  | "FILE_TOO_LARGE"
  | "FORBIDDEN"
  | "IMAGE_TOO_COMPLEX"
  | "INTERNAL_SERVER_ERROR"
  | "MEDIA_NOT_FOUND"
  | "NO_PROFILE_PICTURE"
  | "OVERLOADED"
  | "RATE_LIMITED"
  | "STORAGE_UNAVAILABLE"
  | "UNAUTHENTICATED"
  | "UNKNOWN"
  | "UNREADABLE_IMAGE"
  | "UNSUPPORTED_IMAGE_TYPE"
  | "USER_NOT_FOUND";

export interface ServiceError {
  code: ErrorCode;
  /** The service's own sentence. */
  message: string;
  /** Bytes, for FILE_TOO_LARGE. */
  limit?: number;
  /** What was found instead: bytes, or a format. */
  actual?: number | string;
  retryAfterSeconds?: number;
}

/** @param error whatever Apollo Client rejects with */
export function toServiceError(error: unknown): ServiceError {
  const first = CombinedGraphQLErrors.is(error) ? error.errors[0] : errorInBody(error);
  if (first) return { code: "UNKNOWN", ...first.extensions, message: first.message };
  const isNetwork = error instanceof TypeError;
  return { code: isNetwork ? "CANNOT_CONNECT" : "UNKNOWN", message: String(error) };
}

export function codeOf(error: unknown): ErrorCode {
  return toServiceError(error).code;
}

interface BodyError {
  message: string;
  extensions?: Partial<ServiceError>;
}

/** A request that never became an operation is answered with its status, and the error in the body. */
function errorInBody(error: unknown): BodyError | undefined {
  if (!ServerError.is(error)) return undefined;
  try {
    return (JSON.parse(error.bodyText) as { errors?: BodyError[] }).errors?.[0];
  } catch {
    return undefined; // A proxy in between has said something in HTML.
  }
}

/** One or two sentences that say what to do. */
export function explain(error: ServiceError): string {
  const { code, limit, actual, retryAfterSeconds } = error;
  switch (code) {
    case "FILE_TOO_LARGE": {
      const most = `pictures can be up to ${formatBytes(limit ?? 819_200)}`;
      return typeof actual === "number"
        ? `That file is ${formatBytes(actual)}; ${most}.`
        : `That file is too large; ${most}.`;
    }
    case "UNSUPPORTED_IMAGE_TYPE":
      return `That is ${typeof actual === "string" ? `a file of the type ${actual}` : "no picture we can take"}. Pictures can be JPG, PNG or GIF.`;
    case "UNREADABLE_IMAGE":
      return "That file is damaged or was cut off. Try to save it again, or choose another one.";
    case "IMAGE_TOO_COMPLEX":
      return "That picture has too many pixels or frames. Try a smaller version of it.";
    case "RATE_LIMITED":
      return `That was a lot at once. Please wait ${formatSeconds(retryAfterSeconds ?? 60)} and try again.`;
    case "UNAUTHENTICATED":
      return "Please sign in again.";
    case "OVERLOADED":
    case "DATABASE_UNAVAILABLE":
    case "STORAGE_UNAVAILABLE":
      return `We are busy right now. Please try again in ${formatSeconds(retryAfterSeconds ?? 5)}.`;
    case "CANNOT_CONNECT":
      return "We cannot be reached. Is your connection working?";
    case "MEDIA_NOT_FOUND":
      return "That picture is gone for good.";
    case "NO_PROFILE_PICTURE":
      return "There is no picture to delete.";
    case "UNKNOWN":
    case "INTERNAL_SERVER_ERROR":
      return "Something went wrong on our side. Please try again.";
    default:
      return error.message; // The service's own words: they name the field and what it takes.
  }
}

export function formatBytes(bytes: number): string {
  const kilobytes = bytes / 1024;
  if (kilobytes < 1024) return `${Math.max(1, Math.ceil(kilobytes))} KB`;
  return `${(kilobytes / 1024).toFixed(1)} MB`;
}

function formatSeconds(seconds: number): string {
  return seconds === 1 ? "a second" : `${Math.ceil(seconds)} seconds`;
}
