// Builds the executable schema from the resolvers, and prints it.
import "reflect-metadata";

import { printSchemaWithDirectives } from "@graphql-tools/utils";
import { specifiedDirectives, type GraphQLSchema } from "graphql";
import { buildSchema, type PubSub } from "type-graphql";

import type { RateLimits } from "../services/rate-limits.ts";
import { AccountResolver } from "./account.resolver.ts";
import { installDirectResolvers } from "./direct-resolvers.ts";
import { LiveResolver } from "./live.resolver.ts";
import { MediaResolver, PlaceholderResolver } from "./media.resolver.ts";
import { ProfilePictureResolver } from "./profile-picture.resolver.ts";
import { createRateLimit } from "./rate-limit.ts";
import { UserResolver } from "./user.resolver.ts";

/** type-graphql requires a `PubSub`. Our subscription does not use it, because it has its own `subscribe` function. */
const noTopics: PubSub = {
  publish: () => {},
  subscribe() {
    throw new Error("there are no topics");
  },
};

/** @param isSubgraph whether the schema becomes part of a federated graph */
export async function createSchema(
  rateLimits: Pick<RateLimits, "admitUpload">,
  isSubgraph = false,
): Promise<GraphQLSchema> {
  const rateLimit = createRateLimit(rateLimits);
  const schema = await buildSchema({
    resolvers: [
      UserResolver,
      MediaResolver,
      PlaceholderResolver,
      AccountResolver,
      ProfilePictureResolver,
      LiveResolver,
    ],
    directives: [...specifiedDirectives, rateLimit.directive],
    pubSub: noTopics,
    validate: false, // The services validate their input.
  });
  installDirectResolvers(schema);
  schema.getQueryType()!.description = "Queries for users and their pictures.";
  schema.getMutationType()!.description =
    "Changes to accounts and profile pictures. An operation can contain one mutation.";
  schema.getSubscriptionType()!.description = "Changes that the server pushes to the client.";
  return rateLimit.obey(isSubgraph ? await asSubgraph(schema) : schema);
}

/** Loads the federation library only when it is needed, because loading takes a tenth of a second. */
async function asSubgraph(schema: GraphQLSchema): Promise<GraphQLSchema> {
  const { toSubgraph } = await import("./subgraph.ts");
  return toSubgraph(schema);
}

/** The schema as text, with its descriptions and directives. */
export function printSchema(schema: GraphQLSchema): string {
  return `${printSchemaWithDirectives(schema)}\n`;
}
