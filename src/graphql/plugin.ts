// Serves GraphQL at /graphql: queries and mutations with Apollo Server, subscriptions with `LiveDoor`.
import { ApolloServer } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import type { FastifyInstance, FastifyRequest } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import { networkOf } from "../domain/network.ts";
import type { RateLimits } from "../services/rate-limits.ts";
import type { RequestContext, Services } from "./context.ts";
import { DocumentStore } from "./document-store.ts";
import { createErrorFormatter, sendGraphQLError, toRequestError } from "./format-error.ts";
import { MAX_TOKENS, operationLimits } from "./guard.ts";
import { apolloHandler } from "./http-handler.ts";
import { LiveDoor } from "./live-door.ts";
import { createLoaders } from "./loaders.ts";
import { acceptMultipart } from "./multipart.ts";
import { noSubscriptions } from "./no-subscriptions.ts";
import { operationReports } from "./operation-reports.ts";
import { createSchema, printSchema } from "./schema.ts";

export interface GraphQLDoorOptions {
  introspection: boolean;
  isSubgraph: boolean;
  tokens: AccessTokens;
  rateLimits: RateLimits;
  services: Services;
  countOperation: (operation: string, code: string) => void;
  /** Receives a function that returns the current number of live connections and subscriptions, for the metrics. */
  watchLive: (state: () => { connections: number; subscriptions: number }) => void;
}

const PATH = "/graphql";

export async function graphqlDoor(app: FastifyInstance, options: GraphQLDoorOptions): Promise<void> {
  const { introspection, isSubgraph, tokens, rateLimits, services } = options;
  const formatError = createErrorFormatter(introspection);
  const schema = await createSchema(rateLimits, isSubgraph);
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection,
    includeStacktraceInErrorResponses: false,
    stringifyResult: JSON.stringify, // Apollo's default adds a line break to each answer.
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    logger: app.log,
    formatError,
    parseOptions: { maxTokens: MAX_TOKENS },
    documentStore: new DocumentStore(), // Apollo's default does not count the text of a document.
    validationRules: [...operationLimits],
    plugins: [
      operationReports(options.countOperation),
      noSubscriptions,
      ApolloServerPluginLandingPageDisabled(),
      // Cache control would wrap every resolver, and no answer of this schema is for a shared cache.
      ApolloServerPluginCacheControlDisabled(),
    ],
  });
  await apollo.start();
  app.addHook("onClose", () => apollo.stop());

  const createContext = (of: Omit<RequestContext, "services" | "loaders">): RequestContext => ({
    ...of,
    services,
    loaders: createLoaders(services.accounts, services.media),
  });
  const context = async (request: FastifyRequest): Promise<RequestContext> => {
    try {
      const actor = await tokens.identify(request.headers.authorization);
      return createContext({
        actor,
        requestId: request.id,
        log: request.log,
        network: networkOf(request.ip),
      });
    } catch (error) {
      throw toRequestError(error, request);
    }
  };

  app.setErrorHandler(sendGraphQLError);
  app.addHook("onSend", async (_request, reply) => {
    reply.header("cache-control", "no-store"); // Answers depend on the user and the time.
  });
  acceptMultipart(app, tokens);
  app.route({ method: ["GET", "POST"], url: PATH, handler: apolloHandler(apollo, context) });
  if (introspection) registerSchemaRoute(app, printSchema(schema));

  const live = new LiveDoor({
    path: PATH,
    schema,
    tokens,
    createContext,
    formatError,
    log: app.log,
  });
  live.open(app.server);
  app.addHook("preClose", () => live.close());
  options.watchLive(() => ({
    connections: live.connectionCount,
    subscriptions: services.liveChanges.listenerCount,
  }));
}

/** Serves the schema with its descriptions, for developers and for code generators. */
function registerSchemaRoute(app: FastifyInstance, text: string): void {
  app.get("/schema.graphql", async (_request, reply) => reply.type("text/plain; charset=utf-8").send(text));
}
