// Sends subscriptions to the service over a WebSocket, which is open while at least one subscription is active.
import type { ApolloLink } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";

const MAX_RETRY_WAIT_MS = 30_000;

/** @param uri the HTTP URL of the GraphQL API */
export function createLiveLink(uri: string, getToken: () => string | null): ApolloLink {
  const client = createClient({
    url: uri.replace(/^http/, "ws"),
    connectionParams: () => {
      const token = getToken();
      return token ? { authorization: `Bearer ${token}` } : {};
    },
    retryAttempts: Infinity,
    retryWait: async (retryCount) => {
      // The random part keeps clients from reconnecting all at once after a server has stopped.
      const waitMs = Math.min(MAX_RETRY_WAIT_MS, 1000 * 2 ** retryCount) * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    },
  });
  return new GraphQLWsLink(client);
}
