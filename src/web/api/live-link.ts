// How subscriptions reach the service: over a WebSocket that is open while anybody listens. Used by `client.ts`.
import type { ApolloLink } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";

const MAX_RETRY_WAIT_MS = 30_000;

/** @param uri of the GraphQL API, as for all other operations */
export function createLiveLink(uri: string, getToken: () => string | null): ApolloLink {
  const client = createClient({
    url: uri.replace(/^http/, "ws"),
    connectionParams: () => {
      const token = getToken();
      return token ? { authorization: `Bearer ${token}` } : {};
    },
    retryAttempts: Infinity,
    retryWait: async (retryCount) => {
      // Not all at once, when a server has stopped.
      const waitMs = Math.min(MAX_RETRY_WAIT_MS, 1000 * 2 ** retryCount) * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    },
  });
  return new GraphQLWsLink(client);
}
