// Creates the Apollo client that sends requests to the service. Copy this file together with the rest of the folder.
import { ApolloClient, ApolloLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { OperationTypeNode } from "graphql";

import { codeOf } from "./errors.ts";
import { fetchWithProgress } from "./fetch-with-progress.ts";
import { createLiveLink } from "./live-link.ts";
import { keptPages } from "./pages.ts";

export interface ClientOptions {
  /** The URL of the GraphQL API. */
  uri: string;
  /** Returns the same token for the life of the client. Each user needs a new client, with an empty cache. */
  getToken: () => string | null;
  /** Called when the service no longer accepts the token. */
  onSignedOut: () => void;
}

export function createClient({ uri, getToken, onSignedOut }: ClientOptions): ApolloClient {
  const upload = new UploadHttpLink({
    uri,
    fetch: fetchWithProgress as typeof fetch,
    // The service rejects uploads without this header, because a form on another site could send them.
    headers: { "Apollo-Require-Preflight": "true" },
  });
  const authorise = new SetContextLink(({ headers }) => {
    const token = getToken();
    return token ? { headers: { ...headers, authorization: `Bearer ${token}` } } : {};
  });
  const signOut = new ErrorLink(({ error }) => {
    if (codeOf(error) === "UNAUTHENTICATED" && getToken()) onSignedOut();
  });
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      createLiveLink(uri, getToken),
      ApolloLink.from([signOut, authorise, upload]),
    ),
    cache: new InMemoryCache({ typePolicies: { Query: { fields: { users: keptPages } } } }),
  });
}
