// Renders errors for GraphQL clients, with the code in `extensions.code` and its details beside it. Covers errors of
// operations, and errors of requests that fail before Apollo executes an operation.
import { HeaderMap } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError, Kind, type GraphQLFormattedError } from "graphql";

import type { AppError } from "../errors.ts";
import { headersOf } from "../http/error-headers.ts";
import { logFailure } from "../http/log-failure.ts";
import { toAppError } from "../http/to-app-error.ts";

/** Codes of Apollo and of the upload library for invalid requests. Clients receive BAD_USER_INPUT instead. */
const malformedCodes = new Set<unknown>([
  "BAD_REQUEST",
  "INTERNAL_SERVER_ERROR", // An operation type that the schema lacks, or an invalid argument value.
  "INVALID_UPLOAD_VALUE",
  "OPERATION_RESOLUTION_FAILURE",
  "UPLOAD_LITERAL_UNSUPPORTED",
]);

/** GraphQL's messages quote names from the document, and a name may be as long as the document. */
const MAX_MESSAGE_LENGTH = 500;

export type ErrorFormatter = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * Shows the message of an `AppError`, and of a GraphQL error that blames the request. Any other error becomes an
 * INTERNAL_SERVER_ERROR without details.
 *
 * @param hasSuggestions whether GraphQL's suggestions for misspelled names are shown
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

/** Logs an error of an operation, unless GraphQL itself blames the request for it. */
export function logOperationError(log: FastifyBaseLogger, error: GraphQLError): void {
  const original = originalOf(error);
  if (original instanceof GraphQLError && !isOurFault(original, error)) return;
  logFailure(log, original, toAppError(original));
}

/** Logs an error of a whole request, and converts it to the form that Apollo expects, with its HTTP status. */
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

/** Logs an error from before Apollo received the request, and answers in the form that GraphQL clients expect. */
export function sendGraphQLError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toAppError(error);
  logFailure(request.log, error, appError);
  return reply
    .code(appError.status)
    .headers(headersOf(appError))
    .header("cache-control", "no-store")
    .send({ errors: [withRequestId(render(appError), request.id)] });
}

/** Adds the id that identifies the request in the log. */
export function withRequestId<Shown extends Pick<GraphQLFormattedError, "extensions">>(
  error: Shown,
  requestId: string,
): Shown {
  return { ...error, extensions: { ...error.extensions, requestId } };
}

/** The error that a resolver or the context function threw, or else the error that GraphQL itself created. */
function originalOf(error: unknown): unknown {
  const unwrapped = unwrapResolverError(error);
  return unwrapped instanceof GraphQLError ? (unwrapped.originalError ?? unwrapped) : unwrapped;
}

/**
 * True when GraphQL could not serialise the value that a resolver returned. Errors about arguments have a path too,
 * but their nodes are the value or the variable that the client sent.
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

/** Renders an error that blames the request: GraphQL's message without the client's values, and our code for it. */
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
 * Removes the client's value from a message, because the value may be a password. GraphQL quotes an invalid value
 * before the reason and inside the reason.
 *
 * @param reason the last part of the message
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

/** Drops the text from `end` on, if `start` precedes it. Regular expressions would be slow: the text may be long. */
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
