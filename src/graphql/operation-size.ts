// Computes how large the answer to an operation can become, from the document alone.
import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type SelectionSetNode,
} from "graphql";

import { IntrospectionSizes, type IntrospectionScope } from "./introspection-sizes.ts";
import { MAX_PAGE_COUNT } from "./cursor.ts";

/** Upper bounds that hold for all values of the variables. */
export interface OperationSize {
  /** Field values in the answer. */
  values: number;
  /** Users and media in the answer. Each may have to be read from the database. */
  records: number;
  /** Levels of nested selection sets. */
  depth: number;
}

const nothing: OperationSize = { values: 0, records: 0, depth: 0 };

/** Types whose objects are database records. */
const recordTypes = new Set(["User", "Media", "_Entity"]);

/** The place of a selection set in the answer. The lengths of its lists depend on it. */
interface Place {
  /** Entries of the page that the selection set belongs to. */
  pageCount: number;
  /** For selection sets of the introspection types. */
  scope: IntrospectionScope;
  /** The number of list and non-null wrappers that `ofType` can still unwrap. */
  wrapperCount: number;
}

/**
 * Measures the selection sets of one document. Each occurrence of a field counts, under any alias, even if `@skip`
 * removes it. A `first` that is a variable counts as 100, its maximum.
 *
 * A fragment is measured once for each `Place`, so the time grows with the length of the document and not with the
 * size of the answer.
 */
export class DocumentSizes {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #sizes = new Map<string, OperationSize>();
  readonly #introspection: IntrospectionSizes;

  constructor(
    readonly schema: GraphQLSchema,
    document: Pick<DocumentNode, "definitions">,
  ) {
    this.#introspection = IntrospectionSizes.of(schema);
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  /** The size of a selection set on `type`. An unknown field counts as one value, an unknown fragment as nothing. */
  measure(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLCompositeType,
    place: Place = {
      pageCount: MAX_PAGE_COUNT,
      scope: "one",
      wrapperCount: this.#introspection.wrapperCount,
    },
  ): OperationSize {
    let total = nothing;
    for (const selection of selectionSet?.selections ?? []) {
      switch (selection.kind) {
        case Kind.FIELD:
          total = add(total, this.#measureField(selection, type, place));
          break;
        case Kind.INLINE_FRAGMENT: {
          const narrowed = this.#compositeType(selection.typeCondition?.name.value) ?? type;
          total = add(total, this.measure(selection.selectionSet, narrowed, place));
          break;
        }
        case Kind.FRAGMENT_SPREAD:
          total = add(total, this.#measureFragment(selection.name.value, place));
      }
    }
    return total;
  }

  #measureFragment(name: string, place: Place): OperationSize {
    const key = `${name} ${place.pageCount} ${place.scope} ${place.wrapperCount}`;
    const known = this.#sizes.get(key);
    if (known) return known;
    this.#sizes.set(key, nothing); // Ends the recursion of a fragment that spreads itself. Validation rejects it.
    const fragment = this.#fragments.get(name);
    const type = this.#compositeType(fragment?.typeCondition.name.value);
    const size = fragment && type ? this.measure(fragment.selectionSet, type, place) : nothing;
    this.#sizes.set(key, size);
    return size;
  }

  #measureField(node: FieldNode, parent: GraphQLCompositeType, place: Place): OperationSize {
    const field = this.#findField(parent, node.name.value);
    if (!field) return { ...nothing, values: 1 };
    const isUnwrapping = parent.name === "__Type" && field.name === "ofType";
    if (isUnwrapping && place.wrapperCount === 0) return { ...nothing, values: 1, depth: 1 };
    const named = getNamedType(field.type);
    const isList = isListType(getNullableType(field.type));
    const inner: Place = {
      pageCount: pageCountOf(node, field) ?? place.pageCount,
      scope: this.#introspection.scopeWithin(parent.name, field.name, place.scope),
      wrapperCount: isUnwrapping ? place.wrapperCount - 1 : this.#introspection.wrapperCount,
    };
    const count = isList ? (this.#countOf(parent, field, place.scope) ?? inner.pageCount) : 1;
    const each = isCompositeType(named) ? this.measure(node.selectionSet, named, inner) : nothing;
    return {
      values: 1 + count * (each.values + (isList ? 1 : 0)),
      records: count * (each.records + (recordTypes.has(named.name) ? 1 : 0)),
      depth: each.depth + 1,
    };
  }

  /** The length of a list. Undefined for a list whose length depends on the page. */
  #countOf(
    parent: GraphQLCompositeType,
    field: GraphQLField<unknown, unknown>,
    scope: IntrospectionScope,
  ): number | undefined {
    if (field.name === "_entities") return 1; // `subgraph.ts` multiplies by the number of representations.
    return this.#introspection.countOf(parent.name, field.name, scope);
  }

  #findField(parent: GraphQLCompositeType, name: string): GraphQLField<unknown, unknown> | undefined {
    if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
    if (parent === this.schema.getQueryType()) {
      if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
      if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
    }
    return isObjectType(parent) ? parent.getFields()[name] : undefined;
  }

  #compositeType(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : this.schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}

function add(one: OperationSize, other: OperationSize): OperationSize {
  return {
    values: one.values + other.values,
    records: one.records + other.records,
    depth: Math.max(one.depth, other.depth),
  };
}

/** The most entries that a field with the argument `first` returns. Undefined for a field without that argument. */
function pageCountOf(node: FieldNode, field: GraphQLField<unknown, unknown>): number | undefined {
  const argument = field.args.find(({ name }) => name === "first");
  if (!argument) return undefined;
  const given = node.arguments?.find(({ name }) => name.value === "first");
  if (!given) return Number(argument.defaultValue ?? MAX_PAGE_COUNT);
  const count = given.value.kind === Kind.INT ? Number(given.value.value) : MAX_PAGE_COUNT;
  return Math.min(Math.max(count, 1), MAX_PAGE_COUNT); // The resolver rejects other values.
}
