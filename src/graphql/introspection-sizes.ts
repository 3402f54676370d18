// How many entries the lists of introspection have in a given schema. Used by `operation-size.ts`.
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

/** "all": the walk goes over every type of the schema, so sums are exact. "one": it may be at the largest type. */
export type IntrospectionScope = "all" | "one";

/** How long the lists of one field are: the longest, and all of them divided by their owners' number. */
interface Lengths {
  longest: number;
  perOwner: number;
}

const sizesBySchema = new WeakMap<GraphQLSchema, IntrospectionSizes>();

export class IntrospectionSizes {
  readonly #lists: ReadonlyMap<string, Lengths>;

  /** How many lists and non-null types the type of a field or an argument is within, at most. */
  readonly wrapperCount: number;

  /** The sizes of `schema`, which are counted once. */
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

  /** Entries of a list of introspection, for "all" on average; undefined for any other list. */
  countOf(typeName: string, fieldName: string, scope: IntrospectionScope): number | undefined {
    const { longest, perOwner } = this.#lists.get(`${typeName}.${fieldName}`) ?? {};
    return scope === "all" ? perOwner : longest;
  }

  /** The scope of the selection set of a field. */
  scopeWithin(typeName: string, fieldName: string, scope: IntrospectionScope): IntrospectionScope {
    if (typeName === "__Schema" && fieldName === "types") return "all";
    return fieldName === "fields" ? scope : "one"; // Arguments are counted for every field of every type.
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
