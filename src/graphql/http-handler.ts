// Passes Fastify's requests to Apollo Server, and Apollo's answers back to Fastify.
import { HeaderMap, type ApolloServer } from "@apollo/server";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { RequestContext } from "./context.ts";

/** Replaces Apollo's Fastify integration, which builds a URL from the `Host` header and fails without that header. */
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
    // The schema has neither @defer nor @stream, so each answer is complete.
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
