// The limits of a GraphQL operation, as validation rules for requests over HTTP and over WebSocket.
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  TypeNameMetaFieldDef,
  visit,
  type DocumentNode,
  type FieldNode,
  type OperationDefinitionNode,
  type ValidationContext,
  type ValidationRule,
} from "graphql";

import { DocumentSizes, type OperationSize } from "./operation-size.ts";
import { rootSelections } from "./root-selections.ts";
import { unconditionalSubscriptions } from "./unconditional-subscriptions.ts";

/** The longest document, in tokens. graphql-js counts them while it parses. */
export const MAX_TOKENS = 1000;

/** The introspection query of common tools has about 250 tokens and 15 levels. */
const MAX_DEPTH = 16;

/** Aliases in a document. An alias in a fragment counts once, however often the fragment is spread. */
const MAX_ALIASES = 30;

/**
 * Limits for the answer to one operation. A page of 100 users with all fields of the users, of their pictures and of
 * the pictures' uploaders has 5,000 values and 300 records.
 */
export const MAX_VALUES = 7_500;
export const MAX_RECORDS = 500;

export const operationLimits: readonly ValidationRule[] = [
  limitSizes,
  limitAliases,
  oneMutation,
  unconditionalSubscriptions,
];

/** Rejects operations whose answer could become too large, before any record is read. */
function limitSizes(context: ValidationContext) {
  const document = context.getDocument();
  const sizes = new DocumentSizes(context.getSchema(), document);
  for (const operation of operationsOf(document)) {
    const type = context.getSchema().getRootType(operation.operation);
    if (!type) continue; // The schema lacks this type of operation: GraphQL rejects it later.
    const size = sizes.measure(operation.selectionSet, type);
    const limits = operation.operation === OperationTypeNode.SUBSCRIPTION ? eventLimits : sizeLimits;
    for (const [what, limit] of Object.entries(limits) as [keyof OperationSize, SizeLimit][]) {
      if (size[what] <= limit.max) continue;
      report(context, operation, `An operation may have up to ${limit.max} ${limit.of}.`);
    }
  }
  return {};
}

interface SizeLimit {
  max: number;
  of: string;
}

const sizeLimits: Record<keyof OperationSize, SizeLimit> = {
  values: { max: MAX_VALUES, of: "values in its answer" },
  records: { max: MAX_RECORDS, of: "users and media in its answer" },
  depth: { max: MAX_DEPTH, of: "levels" },
};

/** Limits for one event of a subscription: a user with the picture and the picture's uploader, nested a few times. */
const eventLimits: Record<keyof OperationSize, SizeLimit> = {
  values: { max: 200, of: "values in each event of a subscription" },
  records: { max: 10, of: "users and media in each event of a subscription" },
  depth: sizeLimits.depth,
};

function limitAliases(context: ValidationContext) {
  let aliasCount = 0;
  visit(context.getDocument(), {
    Field({ alias }) {
      if (alias) aliasCount += 1;
    },
  });
  if (aliasCount > MAX_ALIASES) {
    report(context, context.getDocument(), `A document may have up to ${MAX_ALIASES} aliases.`);
  }
  return {};
}

/**
 * Allows one mutation per operation. The rate limits bound how often a mutation runs, but no limit covers its cost:
 * hashing a password takes a quarter of a second. Also, when the second of two mutations fails, GraphQL answers
 * `data: null` although the first took effect.
 */
function oneMutation(context: ValidationContext) {
  for (const operation of operationsOf(context.getDocument())) {
    if (operation.operation !== OperationTypeNode.MUTATION) continue;
    const selections = [...rootSelections(context, operation.selectionSet)];
    const fields = selections.filter(({ kind }) => kind === Kind.FIELD) as FieldNode[];
    if (fields.filter(({ name }) => name.value !== TypeNameMetaFieldDef.name).length <= 1) continue;
    report(
      context,
      operation,
      "A mutation must have only one root field. Send each further field as its own operation.",
    );
  }
  return {};
}

function operationsOf({ definitions }: DocumentNode): OperationDefinitionNode[] {
  return definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
}

function report(
  context: ValidationContext,
  node: DocumentNode | OperationDefinitionNode,
  message: string,
): void {
  context.reportError(new GraphQLError(message, { nodes: node }));
}
