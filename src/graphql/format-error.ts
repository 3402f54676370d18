// Renders errors for GraphQL: the code in `extensions.code`, and beside it what a program needs. Called by Apollo
// for each error of an operation, and by `plugin.ts` for requests that never became one.
import { HeaderMap } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError, Kind, type GraphQLFormattedError } from "graphql";

import type { AppError } from "../errors.ts";
import { headersOf } from "../http/error-headers.ts";
import { logFailure } from "../http/log-failure.ts";
import { toAppError } from "../http/to-app-error.ts";

/** Codes of Apollo's and of the upload library's for requests that cannot be used. */
const malformedCodes = new Set<unknown>([
  "BAD_REQUEST",
  "INTERNAL_SERVER_ERROR", // An operation of a kind that the schema does not have, or an argument's value.
  "INVALID_UPLOAD_VALUE",
  "OPERATION_RESOLUTION_FAILURE",
  "UPLOAD_LITERAL_UNSUPPORTED",
]);

/** GraphQL's sentences repeat names from the document, which may be as long as the document. */
const MAX_MESSAGE_LENGTH = 500;

export type ErrorFormatter = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * Shows our own errors, and those of GraphQL that blame the request; of all others it shows that they happened.
 *
 * @param hasSuggestions whether GraphQL's guesses at what a misspelled name should have been are shown
 */
export function createErrorFormatter(hasSuggestions: boolean): ErrorFormatter {
  return (formatted, error) => {
    const original = originalOf(error);
    if (original instanceof GraphQLError && !isOurFault(original, formatted)) {
      return showRequestError(formatted, original, hasSuggestions);
    }
    const { message, extensions } = render(toAppError(original));
    const { requestId } = formatted.extensions ?? {};
    return {
      ...formatted,
      message,
      extensions: { ...extensions, ...(requestId !== undefined && { requestId }) },
    };
  };
}

/** What the log says of an error of an operation: nothing of one that GraphQL itself blames on the request. */
export function logOperationError(log: FastifyBaseLogger, error: GraphQLError): void {
  const original = originalOf(error);
  if (original instanceof GraphQLError && !isOurFault(original, error)) return;
  logFailure(log, original, toAppError(original));
}

/** An error of a whole request as Apollo wants it, with its HTTP status. */
export function toRequestError(error: unknown, { id, log }: FastifyRequest): GraphQLError {
  const appError = toAppError(error);
  logFailure(log, error, appError);
  const { message, extensions } = render(appError);
  const headers = new HeaderMap(Object.entries(headersOf(appError)));
  return new GraphQLError(message, {
    originalError: appError,
    extensions: { ...extensions, requestId: id, http: { status: appError.status, headers } },
  });
}

/** An error from before Apollo was asked, in the form that GraphQL clients expect. */
export function sendGraphQLError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toAppError(error);
  logFailure(request.log, error, appError);
  return reply
    .code(appError.status)
    .headers(headersOf(appError))
    .header("cache-control", "no-store")
    .send({ errors: [withRequestId(render(appError), request.id)] });
}

/** The error with the id under which the log has its request. */
export function withRequestId<Shown extends Pick<GraphQLFormattedError, "extensions">>(
  error: Shown,
  requestId: string,
): Shown {
  return { ...error, extensions: { ...error.extensions, requestId } };
}

/** What a resolver or the making of a context threw; GraphQL's own error when nobody threw anything else. */
function originalOf(error: unknown): unknown {
  const unwrapped = unwrapResolverError(error);
  return unwrapped instanceof GraphQLError ? (unwrapped.originalError ?? unwrapped) : unwrapped;
}

/**
 * True when GraphQL itself could not make a field's value from what a resolver returned. Errors about arguments come
 * with a path as well, but they point at the value or the variable that the client sent.
 */
function isOurFault(
  { nodes }: GraphQLError,
  { extensions, path }: { extensions?: Record<string, unknown>; path?: readonly unknown[] | undefined },
): boolean {
  const { code = "INTERNAL_SERVER_ERROR" } = extensions ?? {};
  const isAboutArgument = nodes?.some(({ kind }) => kind !== Kind.FIELD) ?? false;
  return code === "INTERNAL_SERVER_ERROR" && path !== undefined && !isAboutArgument;
}

function render({ message, code, details }: AppError): {
  message: string;
  extensions: Record<string, unknown>;
} {
  return { message, extensions: { code, ...details } };
}

/** GraphQL's own words for a request that is none, its libraries' codes for that in ours. */
function showRequestError(
  { extensions, message, ...formatted }: GraphQLFormattedError,
  { message: reason }: GraphQLError,
  hasSuggestions: boolean,
): GraphQLFormattedError {
  const { stacktrace: _stacktrace, code, ...shown } = extensions ?? {};
  const sentence = withoutValue(message, reason);
  const shownSentence = hasSuggestions ? sentence : withoutSuggestion(sentence);
  return {
    ...formatted,
    message: shorten(shownSentence),
    extensions: { code: malformedCodes.has(code) ? "BAD_USER_INPUT" : code, ...shown },
  };
}

/**
 * GraphQL repeats a value that it cannot use, in front of the reason and within it. It may be a password.
 *
 * @param reason with which the message ends
 */
function withoutValue(message: string, reason: string): string {
  const reasonWithoutValue = cutValue(
    cutValue(reason, " cannot represent ", ":"),
    "Expected value of type ",
    ", found ",
  );
  const variable = /^Variable "\$\w+" got invalid value/.exec(message)?.[0];
  if (!variable || !message.endsWith(`; ${reason}`)) {
    return message === reason ? reasonWithoutValue : message.replace(reason, () => reasonWithoutValue);
  }
  const before = message.slice(0, -reason.length - 2);
  const placeAt = before.endsWith('"') ? before.lastIndexOf(' at "') : -1;
  const place = placeAt === -1 ? "" : before.slice(placeAt);
  return `${variable}${place}; ${reasonWithoutValue}`;
}

/** What stands from `end` on, where `start` stands before it. No regular expressions: the text may be long. */
function cutValue(text: string, start: string, end: string): string {
  const startAt = text.indexOf(start);
  const endAt = startAt === -1 ? -1 : text.indexOf(end, startAt + start.length);
  return endAt === -1 ? text : `${text.slice(0, endAt)}.`;
}

function shorten(sentence: string): string {
  return sentence.length > MAX_MESSAGE_LENGTH ? `${sentence.slice(0, MAX_MESSAGE_LENGTH)}…` : sentence;
}

function withoutSuggestion(sentence: string): string {
  const suggestionAt = sentence.endsWith("?") ? sentence.indexOf(" Did you mean ") : -1;
  return suggestionAt === -1 ? sentence : sentence.slice(0, suggestionAt);
}
