// An Apollo plugin that rejects subscriptions over HTTP, because an HTTP request gets a single answer.
import type { ApolloServerPlugin } from "@apollo/server";
import { GraphQLError } from "graphql";

import type { RequestContext } from "./context.ts";

export const noSubscriptions: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== "subscription") return;
        throw new GraphQLError(
          "Subscriptions are accepted only over WebSocket. Use the protocol graphql-transport-ws.",
          {
            extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
          },
        );
      },
    };
  },
};
