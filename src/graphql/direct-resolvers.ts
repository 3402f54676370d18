// Connects the resolvers of frequent fields to the schema directly. type-graphql would create a promise for every
// argument, which is slow for lists with hundreds of entries.
import type { GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from "graphql";

import type { PictureSize, RenditionFormat } from "../domain/rendition.ts";
import type { RequestContext } from "./context.ts";
import { MediaResolver } from "./media.resolver.ts";
import type { MediaType } from "./media.type.ts";
import { UserResolver } from "./user.resolver.ts";
import type { UserType } from "./user.type.ts";

interface MediaArguments {
  size?: PictureSize | null;
  format?: RenditionFormat | null;
}

type Resolve<Source, Arguments = object> = GraphQLFieldResolver<Source, RequestContext, Arguments>;

export function installDirectResolvers(schema: GraphQLSchema): void {
  const [media, user] = [new MediaResolver(), new UserResolver()];
  const mediaFields: Record<string, Resolve<MediaType, MediaArguments>> = {
    url: (root, { size = null, format = null }, context) => media.url(root, size, format, context),
    srcset: (root, { format = null }, context) => media.srcset(root, format, context),
  };
  const userFields: Record<string, Resolve<UserType, { size: PictureSize | null }>> = {
    profilePictureUrl: (root, { size }, context) => user.profilePictureUrl(root, size, context),
    profilePicture: (root, _arguments, context) => user.profilePicture(root, context),
  };
  replace(schema, "Media", mediaFields);
  replace(schema, "User", userFields);
}

function replace<Source, Arguments>(
  schema: GraphQLSchema,
  typeName: string,
  resolvers: Record<string, Resolve<Source, Arguments>>,
): void {
  const fields = (schema.getType(typeName) as GraphQLObjectType<Source, RequestContext>).getFields();
  for (const [name, resolve] of Object.entries(resolvers)) fields[name]!.resolve = resolve as Resolve<Source>;
}
