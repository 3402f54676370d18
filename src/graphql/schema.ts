// Builds the executable schema from the resolvers, and prints it. Called by `plugin.ts` and
// by `codegen.ts`.
import "reflect-metadata";

import { printSchemaWithDirectives } from "@graphql-tools/utils";
import { specifiedDirectives, type GraphQLSchema } from "graphql";
import { buildSchema, type PubSub } from "type-graphql";

import type { RateLimits } from "../services/rate-limits.ts";
import { AccountResolver } from "./account.resolver.ts";
import { callDirectly } from "./direct-resolvers.ts";
import { LiveResolver } from "./live.resolver.ts";
import { MediaResolver, PlaceholderResolver } from "./media.resolver.ts";
import { ProfilePictureResolver } from "./profile-picture.resolver.ts";
import { createRateLimit } from "./rate-limit.ts";
import { UserResolver } from "./user.resolver.ts";

/** The library wants to be given one. Our subscription brings what it listens to with it. */
const noTopics: PubSub = {
  publish: () => {},
  subscribe() {
    throw new Error("there are no topics");
  },
};

/** @param isSubgraph whether it is to be part of a federated graph */
export async function createSchema(
  rateLimits: Pick<RateLimits, "consumeUpload">,
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
    validate: false, // The services check what they are given.
  });
  callDirectly(schema);
  schema.getQueryType()!.description = "What can be read.";
  schema.getMutationType()!.description =
    "What can be changed. Mutations of one operation run one after another.";
  schema.getSubscriptionType()!.description = "What is told without being asked for again.";
  return rateLimit.obey(isSubgraph ? await asSubgraph(schema) : schema);
}

/** Its library takes a tenth of a second to load. */
async function asSubgraph(schema: GraphQLSchema): Promise<GraphQLSchema> {
  const { toSubgraph } = await import("./subgraph.ts");
  return toSubgraph(schema);
}

/** The schema as text, with its descriptions and directives. */
export function printSchema(schema: GraphQLSchema): string {
  return `${printSchemaWithDirectives(schema)}\n`;
}
