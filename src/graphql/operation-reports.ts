// What becomes of each operation: a line in the log for each error that is ours, a count, and the request's id beside
// the error's code. Given to Apollo by `plugin.ts`.
import type { ApolloServerPlugin, GraphQLRequestContextWillSendResponse } from "@apollo/server";
import type { OperationDefinitionNode } from "graphql";

import type { RequestContext } from "./context.ts";
import { logOperationError, withRequestId } from "./format-error.ts";

/** @param count called with the operation's first field, "none" where it has none, and its code, "OK" or an error's */
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

/** Of an operation that the schema knows: there are only so many. */
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
