// Hands requests to Apollo Server, and its answers to the web framework. Used by `plugin.ts`.
import { HeaderMap, type ApolloServer } from "@apollo/server";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { RequestContext } from "./context.ts";

/** Apollo's own integration makes a URL of the `Host` header, and fails where that is missing. */
export function apolloHandler(
  apollo: ApolloServer<RequestContext>,
  createContext: (request: FastifyRequest) => Promise<RequestContext>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: headerMapOf(request),
        search: /\?.*/s.exec(request.url)?.[0] ?? "",
        body: request.body,
      },
      context: () => createContext(request),
    });
    // No operation of this graph is delivered in parts.
    if (body.kind !== "complete") throw new Error("Apollo answers in parts");
    return reply
      .code(status ?? 200)
      .headers(Object.fromEntries(headers))
      .send(body.string);
  };
}

function headerMapOf({ headers }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return map;
}
