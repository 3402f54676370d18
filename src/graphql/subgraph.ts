// Converts the schema to a subgraph for Apollo Federation 2, which adds profile pictures to a host graph's users.
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
  type GraphQLUnionType,
} from "graphql";
import { createResolversMap } from "type-graphql";

import { requireActor } from "../auth/permissions.ts";
import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { RequestContext } from "./context.ts";
import { MAX_RECORDS, MAX_VALUES } from "./guard.ts";
import { DocumentSizes } from "./operation-size.ts";
import { toUserType } from "./to-type.ts";

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])';

const KEY = '@key(fields: "id")';
const SHAREABLE = "@shareable";

/** Directives by type or field. A host's graph probably has the shareable fields too, and both may resolve them. */
const directives: Record<string, string> = {
  User: KEY,
  "User.username": SHAREABLE,
  "User.email": SHAREABLE,
  "User.createdAt": SHAREABLE,
  "Query.me": SHAREABLE,
  "Query.user": SHAREABLE,
  PageInfo: SHAREABLE,
};

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

/** @throws BAD_USER_INPUT for a malformed id */
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

/** Rejects a request for too many entities before any entity is read. All aliases of a request count together. */
function guardEntities(query: GraphQLObjectType): void {
  const field = query.getFields()["_entities"]!;
  const resolve = field.resolve as GraphQLFieldResolver<
    unknown,
    RequestContext,
    { representations: unknown[] }
  >;
  const askedFor = new WeakMap<RequestContext, { values: number; records: number }>();
  field.resolve = (source, args, context, info) => {
    requireActor(context.actor);
    const { length } = args.representations;
    const each = sizeOfEntity(info);
    const before = askedFor.get(context) ?? { values: 0, records: 0 };
    const values = before.values + length * each.values;
    const records = before.records + length * each.records;
    askedFor.set(context, { values, records });
    assertWithin(MAX_RECORDS, records, "users and media in its answer");
    assertWithin(MAX_VALUES, values, "values in its answer");
    if (!args.representations.every(isUser))
      throw new AppError("BAD_USER_INPUT", "Each representation must have the `__typename` User.");
    return resolve(source, args, context, info);
  };
}

/** @throws BAD_USER_INPUT */
function assertWithin(limit: number, actual: number, what: string): void {
  if (actual > limit)
    throw new AppError("BAD_USER_INPUT", `A request may have up to ${limit} ${what}.`, { limit, actual });
}

/** The size of the answer for one representation. */
function sizeOfEntity({ schema, fieldNodes, fragments }: GraphQLResolveInfo): {
  values: number;
  records: number;
} {
  const sizes = new DocumentSizes(schema, { definitions: Object.values(fragments) });
  const type = schema.getType("_Entity") as GraphQLUnionType;
  const selections = fieldNodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  const { values, records } = sizes.measure({ kind: Kind.SELECTION_SET, selections }, type);
  return { values, records: 1 + records };
}

function isUser(representation: unknown): boolean {
  return (
    typeof representation === "object" &&
    representation !== null &&
    Object.hasOwn(representation, "__typename") &&
    (representation as { __typename: unknown }).__typename === "User"
  );
}
