// The GraphQL door: Apollo Server at /graphql. Registered by `app.ts`, in a scope of its own.
import { ApolloServer, type ApolloServerOptions } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import { ApolloArmor } from "@escape.tech/graphql-armor";
import type { FastifyInstance, FastifyRequest } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import type { RateLimits } from "../services/rate-limits.ts";
import type { RequestContext, Services } from "./context.ts";
import { createErrorFormatter, sendGraphQLError, toRequestError } from "./format-error.ts";
import { asGateway, Executor } from "./executor.ts";
import { createLoaders } from "./loaders.ts";
import { acceptMultipart } from "./multipart.ts";
import { operationReports } from "./operation-reports.ts";
import { createSchema, printSchema } from "./schema.ts";

export interface GraphQLDoorOptions {
  introspection: boolean;
  tokens: AccessTokens;
  rateLimits: RateLimits;
  services: Services;
  countOperation: (operation: string, code: string) => void;
  /** How often a query is run as it is before it is compiled. */
  compileAfterCount: number | undefined;
}

/** What the deepest useful query needs, and some; introspection is exempt. */
const MAX_DEPTH = 10;
const MAX_ALIASES = 30;
const MAX_DIRECTIVES = 20;
const MAX_TOKENS = 1000;

/** A list of 100 with pictures and their uploaders comes to 5,300 in the guard's own units. */
const MAX_COST = 20_000;

export async function graphqlDoor(app: FastifyInstance, options: GraphQLDoorOptions): Promise<void> {
  const { introspection, tokens, rateLimits, services } = options;
  const armor = new ApolloArmor({
    maxDepth: { n: MAX_DEPTH },
    maxAliases: { n: MAX_ALIASES },
    maxDirectives: { n: MAX_DIRECTIVES },
    costLimit: { maxCost: MAX_COST },
    maxTokens: { enabled: false }, // It would parse twice and answer 500; graphql-js counts while it parses.
    blockFieldSuggestion: { enabled: false }, // Where introspection is off, format-error.ts hides suggestions.
  }).protect();
  // Its types come from Apollo's CommonJS build.
  const guard = armor as unknown as Pick<ApolloServerOptions<RequestContext>, "plugins" | "validationRules">;
  const schema = await createSchema(rateLimits);
  const apollo = new ApolloServer<RequestContext>({
    gateway: asGateway(new Executor(schema, options.compileAfterCount)),
    introspection,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    logger: app.log,
    formatError: createErrorFormatter(introspection),
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: guard.validationRules ?? [],
    plugins: [
      ...(guard.plugins ?? []),
      operationReports(options.countOperation),
      ApolloServerPluginLandingPageDisabled(),
      // It would wrap every resolver, and no answer of this graph is for a shared cache.
      ApolloServerPluginCacheControlDisabled(),
    ],
  });
  await apollo.start();
  app.addHook("onClose", () => apollo.stop());

  const context = async (request: FastifyRequest): Promise<RequestContext> => {
    try {
      const currentUserId = await tokens.identify(request.headers.authorization);
      return {
        currentUserId,
        requestId: request.id,
        log: request.log,
        address: request.ip,
        services,
        loaders: createLoaders(services.accounts, services.media),
      };
    } catch (error) {
      throw toRequestError(error, request);
    }
  };

  app.setErrorHandler(sendGraphQLError);
  acceptMultipart(app, tokens);
  app.route({ method: ["GET", "POST"], url: "/graphql", handler: fastifyApolloHandler(apollo, { context }) });
  if (introspection) registerSchemaRoute(app, printSchema(schema));
}

/** The schema with its descriptions, to be read in a browser or taken by a code generator. */
function registerSchemaRoute(app: FastifyInstance, text: string): void {
  app.get("/schema.graphql", async (_request, reply) => reply.type("text/plain; charset=utf-8").send(text));
}
