// Parses and validates a subscription that a client sends over WebSocket, as Apollo does for operations over HTTP.
import {
  getOperationAST,
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from "graphql";
import type { SubscribePayload } from "graphql-ws";

import { AppError } from "../errors.ts";
import { MAX_TOKENS, operationLimits } from "./guard.ts";

/** @returns the document, or the errors that were found in it */
export function parseSubscription(
  { query, operationName }: SubscribePayload,
  schema: GraphQLSchema,
): DocumentNode | GraphQLError[] {
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: MAX_TOKENS });
  } catch (error) {
    return [withCode(error as GraphQLError, "GRAPHQL_PARSE_FAILED")];
  }
  const errors = validate(schema, document, [...specifiedRules, ...operationLimits]);
  if (errors.length > 0) return errors.map((error) => withCode(error, "GRAPHQL_VALIDATION_FAILED"));
  const operation = getOperationAST(document, operationName);
  if (operation?.operation === "subscription") return document;
  const message = operation
    ? "Only subscriptions are accepted over WebSocket. Send queries and mutations with HTTP POST."
    : "`operationName` does not select an operation of the document.";
  return [new GraphQLError(message, { originalError: new AppError("BAD_USER_INPUT", message) })];
}

function withCode({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions: { code },
  });
}
