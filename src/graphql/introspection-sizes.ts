// Counts the entries of a schema's introspection lists.
import {
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isWrappingType,
  type GraphQLSchema,
  type GraphQLType,
} from "graphql";

/** "all": the operation visits all types of the schema, so averages give exact sums. "one": it may visit any. */
export type IntrospectionScope = "all" | "one";

/** Lengths of the lists of one introspection field: the longest list, and the average over all owners of a list. */
interface Lengths {
  longest: number;
  perOwner: number;
}

const sizesBySchema = new WeakMap<GraphQLSchema, IntrospectionSizes>();

export class IntrospectionSizes {
  readonly #lists: ReadonlyMap<string, Lengths>;

  /** The most list and non-null wrappers around the type of a field or an argument. */
  readonly wrapperCount: number;

  /** Returns the sizes of `schema`, and counts them at the first call only. */
  static of(schema: GraphQLSchema): IntrospectionSizes {
    const sizes = sizesBySchema.get(schema) ?? new IntrospectionSizes(schema);
    sizesBySchema.set(schema, sizes);
    return sizes;
  }

  private constructor(schema: GraphQLSchema) {
    const types = Object.values(schema.getTypeMap());
    const directives = schema.getDirectives();
    const fields = types.map((type) =>
      isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
    );
    const args = fields.flat().map((field) => field.args);
    const interfaces = types.map((type) =>
      isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [],
    );
    const possibleTypes = types.map((type) => (isAbstractType(type) ? schema.getPossibleTypes(type) : []));
    const inputFields = types.map((type) => (isInputObjectType(type) ? Object.values(type.getFields()) : []));
    const enumValues = types.map((type) => (isEnumType(type) ? type.getValues() : []));
    const inputs = [...args, ...inputFields, ...directives.map((directive) => directive.args)].flat();
    this.wrapperCount = Math.max(...[...fields.flat(), ...inputs].map(({ type }) => countWrappers(type)));
    this.#lists = new Map([
      ["__Schema.types", lengthsOf([types])],
      ["__Schema.directives", lengthsOf([directives])],
      ["__Directive.args", lengthsOf(directives.map((directive) => directive.args))],
      ["__Directive.locations", lengthsOf(directives.map(({ locations }) => locations))],
      ["__Type.fields", lengthsOf(fields)],
      ["__Field.args", lengthsOf(args)],
      ["__Type.interfaces", lengthsOf(interfaces)],
      ["__Type.possibleTypes", lengthsOf(possibleTypes)],
      ["__Type.inputFields", lengthsOf(inputFields)],
      ["__Type.enumValues", lengthsOf(enumValues)],
    ]);
  }

  /** The length of an introspection list: the average for "all", the maximum for "one". Undefined for other lists. */
  countOf(typeName: string, fieldName: string, scope: IntrospectionScope): number | undefined {
    const { longest, perOwner } = this.#lists.get(`${typeName}.${fieldName}`) ?? {};
    return scope === "all" ? perOwner : longest;
  }

  /** The scope of the selection set of a field. */
  scopeWithin(typeName: string, fieldName: string, scope: IntrospectionScope): IntrospectionScope {
    if (typeName === "__Schema" && fieldName === "types") return "all";
    return fieldName === "fields" ? scope : "one"; // For "all", arguments are summed over every field of every type.
  }
}

function countWrappers(type: GraphQLType): number {
  return isWrappingType(type) ? 1 + countWrappers(type.ofType as GraphQLType) : 0;
}

function lengthsOf(lists: readonly (readonly unknown[])[]): Lengths {
  const lengths = lists.map(({ length }) => length);
  return {
    longest: Math.max(0, ...lengths),
    perOwner: lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lists.length),
  };
}
