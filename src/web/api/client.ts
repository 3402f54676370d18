// The Apollo client: how requests reach the service. To be copied with the other files of this folder.
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
  /** Of the GraphQL API. */
  uri: string;
  /** The same for the life of the client: another person gets another one, with an empty cache. */
  getToken: () => string | null;
  /** Called when the service does not take the token any more. */
  onSignedOut: () => void;
}

export function createClient({ uri, getToken, onSignedOut }: ClientOptions): ApolloClient {
  const upload = new UploadHttpLink({
    uri,
    fetch: fetchWithProgress as typeof fetch,
    // Without it the service refuses an upload: a form of another site could have sent it.
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
