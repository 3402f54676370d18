// An Apollo plugin that logs the errors of operations, counts operations by their result, and adds the request's id to
// each error in an answer.
import type { ApolloServerPlugin, GraphQLRequestContextWillSendResponse } from "@apollo/server";
import type { OperationDefinitionNode } from "graphql";

import type { RequestContext } from "./context.ts";
import { logOperationError, withRequestId } from "./format-error.ts";

/** @param count called with the operation's first field ("none" for an invalid operation) and "OK" or an error code */
export function operationReports(
  count: (operation: string, code: string) => void,
): ApolloServerPlugin<RequestContext> {
  return {
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) logOperationError(contextValue.log, error);
        },
        async willSendResponse(context) {
          count(firstFieldOf(context), addRequestId(context));
        },
      };
    },
  };
}

type Answered = GraphQLRequestContextWillSendResponse<RequestContext>;

/** The first field of a valid operation, or "none". The schema bounds the number of names, and so of metric labels. */
function firstFieldOf({ operation, errors }: Answered): string {
  const isKnown =
    operation && !errors?.some(({ extensions }) => extensions.code === "GRAPHQL_VALIDATION_FAILED");
  return isKnown ? fieldOf(operation) : "none";
}

function fieldOf({ selectionSet }: OperationDefinitionNode): string {
  const [first] = selectionSet.selections;
  return first?.kind === "Field" ? first.name.value : "fragment";
}

/** @returns the code of the first error, or "OK" */
function addRequestId({ response: { body }, contextValue }: Answered): string {
  if (body.kind !== "single" || !body.singleResult.errors) return "OK";
  const errors = body.singleResult.errors.map((error) => withRequestId(error, contextValue.requestId));
  body.singleResult.errors = errors;
  return String(errors[0]?.extensions?.code);
}
