// Errors of the service: a code for programs and a sentence for users. Copy this file together with `client.ts`.
import { CombinedGraphQLErrors, ServerError } from "@apollo/client/errors";

/**
 * The service's codes that a user can get, and CANNOT_CONNECT, CANNOT_READ_FILE and UNKNOWN, which are created in the
 * browser.
 */
export type ErrorCode =
  | "BAD_USER_INPUT"
  | "CANNOT_CONNECT"
  | "CANNOT_READ_FILE"
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
  /** The message from the service. */
  message: string;
  /** The limit that was exceeded, in bytes for FILE_TOO_LARGE. */
  limit?: number;
  /** The value that the service rejected: a size in bytes, or a format. */
  actual?: number | string;
  retryAfterSeconds?: number;
}

/** @param error the value that an Apollo Client promise rejects with */
export function toServiceError(error: unknown): ServiceError {
  const first = CombinedGraphQLErrors.is(error) ? error.errors[0] : undefined;
  if (first) return { code: "UNKNOWN", ...first.extensions, message: first.message };
  if (ServerError.is(error)) return readAnswer(error);
  return { code: error instanceof TypeError ? "CANNOT_CONNECT" : "UNKNOWN", message: String(error) };
}

export function codeOf(error: unknown): ErrorCode {
  return toServiceError(error).code;
}

interface AnswerBody {
  errors?: { message: string; extensions?: Partial<ServiceError> }[];
  message?: string;
  code?: ErrorCode;
}

/** Codes for answers of proxies, which contain an HTTP status but no error code of the service. */
const codesOfStatuses: Record<number, ErrorCode> = {
  401: "UNAUTHENTICATED",
  413: "FILE_TOO_LARGE",
  429: "RATE_LIMITED",
  502: "OVERLOADED",
  503: "OVERLOADED",
  504: "OVERLOADED",
};

/** Reads the error of a request that failed before its operation was executed: an HTTP error with a JSON body. */
function readAnswer({ bodyText, statusCode, message }: ServerError): ServiceError {
  const body = parse(bodyText);
  const first = body.errors?.[0];
  return {
    code: body.code ?? codesOfStatuses[statusCode] ?? "UNKNOWN",
    ...first?.extensions,
    message: first?.message ?? body.message ?? message,
  };
}

function parse(text: string): AnswerBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {}; // An HTML page from a proxy.
  }
}

/** Returns one or two sentences that explain an error to the user. */
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
      return typeof actual === "string"
        ? `That is a file of the type ${formatType(actual)}. Pictures can be JPG, PNG or GIF.`
        : "That is not a picture that we can use. Pictures can be JPG, PNG or GIF.";
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
    case "CANNOT_READ_FILE":
      return "That cannot be read. Is it a folder, or was the file moved or deleted?";
    case "MEDIA_NOT_FOUND":
      return "That picture is gone for good.";
    case "NO_PROFILE_PICTURE":
      return "There is no picture to delete.";
    case "BAD_USER_INPUT":
    case "CONFLICT":
    case "FORBIDDEN":
    case "USER_NOT_FOUND":
      return error.message; // The service's message names the field and the values that it accepts.
    default:
      return "Something went wrong on our side. Please try again.";
  }
}

/** @param type such as "image/heic" or "HEIC" */
function formatType(type: string): string {
  return type.includes("/") ? type.replace(/^.*\//, "").toUpperCase() : type;
}

export function formatBytes(bytes: number): string {
  const kilobytes = bytes / 1024;
  if (kilobytes < 1024) return `${Math.max(1, Math.ceil(kilobytes))} KB`;
  return `${(kilobytes / 1024).toFixed(1)} MB`;
}

function formatSeconds(seconds: number): string {
  return seconds === 1 ? "a second" : `${Math.ceil(seconds)} seconds`;
}
