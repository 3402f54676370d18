// The same schema as a subgraph of a federated graph, by Apollo Federation 2: a host's graph gains what is here of its users.
// Called by `schema.ts`.
import { buildSubgraphSchema } from "@apollo/subgraph";
import { getDocumentNodeFromSchema } from "@graphql-tools/utils";
import {
  concatAST,
  GraphQLObjectType,
  Kind,
  parse,
  visit,
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from "graphql";
import { createResolversMap } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { toUserType } from "./to-type.ts";

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])';

const KEY = '@key(fields: "id")';
const SHAREABLE = "@shareable";

/** By the names of types and of their fields: what a host's own graph is likely to have as well, both may resolve. */
const directives: Record<string, string> = {
  User: KEY,
  "User.username": SHAREABLE,
  "User.email": SHAREABLE,
  "User.createdAt": SHAREABLE,
  "Query.me": SHAREABLE,
  "Query.user": SHAREABLE,
  PageInfo: SHAREABLE,
};

/** Of one request, under whatever aliases. */
const MAX_REPRESENTATIONS = 1_000;

/** Of all representations of one request together: ten of each of a thousand. The guard knows nothing of how many there are. */
const MAX_FIELDS = 10_000;

export function toSubgraph(schema: GraphQLSchema): GraphQLSchema {
  const resolvers = createResolversMap(schema) as Record<string, object>;
  const typeDefs = concatAST([parse(link), withDirectives(getDocumentNodeFromSchema(schema))]);
  const subgraph = buildSubgraphSchema({
    typeDefs,
    resolvers: { ...resolvers, User: { ...resolvers["User"], __resolveReference: findUser } },
  });
  guardEntities(subgraph.getQueryType()!);
  return subgraph;
}

/** @throws BAD_USER_INPUT for what is no id */
async function findUser({ id }: { id?: unknown }, context: RequestContext) {
  const user = await context.loaders.userById.load(parseId(typeof id === "string" ? id : "", "user"));
  return user && toUserType(user);
}

function withDirectives(document: DocumentNode): DocumentNode {
  return visit(document, {
    [Kind.OBJECT_TYPE_DEFINITION]: (type) => ({
      ...type,
      directives: [...(type.directives ?? []), ...directivesOf(type.name.value)],
      fields: type.fields?.map((field) => ({
        ...field,
        directives: [...(field.directives ?? []), ...directivesOf(`${type.name.value}.${field.name.value}`)],
      })),
    }),
  });
}

function directivesOf(name: string): readonly ConstDirectiveNode[] {
  const text = directives[name];
  if (!text) return [];
  const [type] = parse(`type Any ${text}`).definitions;
  return type?.kind === Kind.OBJECT_TYPE_DEFINITION ? (type.directives ?? []) : [];
}

/** What a host asks of us is refused as a whole, before anything of it is looked up. */
function guardEntities(query: GraphQLObjectType): void {
  const field = query.getFields()["_entities"]!;
  const resolve = field.resolve as GraphQLFieldResolver<
    unknown,
    RequestContext,
    { representations: unknown[] }
  >;
  const askedFor = new WeakMap<RequestContext, { representations: number; fields: number }>();
  field.resolve = (source, args, context, info) => {
    requireUser(context);
    const { length } = args.representations;
    const before = askedFor.get(context) ?? { representations: 0, fields: 0 };
    const representations = before.representations + length;
    const fields = before.fields + length * countFields(info);
    askedFor.set(context, { representations, fields });
    assertWithin(MAX_REPRESENTATIONS, representations, "representations");
    assertWithin(MAX_FIELDS, fields, "fields of representations");
    if (!args.representations.every(isUser))
      throw new AppError("BAD_USER_INPUT", "Representations are of the type User.");
    return resolve(source, args, context, info);
  };
}

/** @throws BAD_USER_INPUT */
function assertWithin(limit: number, actual: number, what: string): void {
  if (actual > limit)
    throw new AppError("BAD_USER_INPUT", `A request may have ${limit} ${what} at most.`, { limit, actual });
}

/** How many fields are asked for of one representation, at any depth. */
function countFields({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  const countOfFragment = new Map<string, number>();
  const count = (set: SelectionSetNode | undefined): number =>
    (set?.selections ?? []).reduce((sum, selection) => {
      if (selection.kind !== Kind.FRAGMENT_SPREAD)
        return sum + (selection.kind === Kind.FIELD ? 1 : 0) + count(selection.selectionSet);
      const name = selection.name.value;
      const known = countOfFragment.get(name) ?? count(fragments[name]?.selectionSet);
      countOfFragment.set(name, known);
      return sum + known;
    }, 0);
  return fieldNodes.reduce((sum, { selectionSet }) => sum + count(selectionSet), 0);
}

function isUser(representation: unknown): boolean {
  return (
    typeof representation === "object" &&
    representation !== null &&
    Object.hasOwn(representation, "__typename") &&
    (representation as { __typename: unknown }).__typename === "User"
  );
}
