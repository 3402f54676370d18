// Makes random GraphQL operations that are valid for a schema: nested fragments, conditions on spreads, aliases,
// variables, several operations in a document, and names that exist on `Object.prototype`.
import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isLeafType,
  isObjectType,
  parse,
  specifiedRules,
  validate,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from "graphql";

import type { Random } from "../fuzz/random.ts";

export interface RandomOperation {
  query: string;
  operationName: string | undefined;
  variables: Record<string, unknown>;
}

/** Names that a careless program looks up on `Object.prototype`. */
const awkwardNames = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "toJSON"];

const MAX_DEPTH = 5;
const MAX_TRIES = 500;

/** Variables by name, each with its definition and its possible values; `undefined` leaves the variable out. */
const variablePool: Record<string, { definition: string; values: unknown[] }> = {
  yes: { definition: "$yes: Boolean!", values: [true, false] },
  perhaps: { definition: "$perhaps: Boolean = true", values: [true, false, undefined] },
  count: { definition: "$count: Int = 3", values: [1, 2, 3, 0, 101, undefined] },
  id: { definition: "$id: ID!", values: ["0".repeat(24), "nonsense", 5] },
  size: { definition: "$size: PictureSize", values: ["PX32", "PX600", null, undefined] },
};

export class OperationMaker {
  /** Text of each fragment of the current document, by name. */
  #fragments = new Map<string, string>();
  #fragmentTypes: GraphQLObjectType[] = [];

  /**
   * @param ids values for arguments named `id`, in addition to some that do not exist
   * @param pageCounts values for arguments named `first`
   */
  constructor(
    readonly schema: GraphQLSchema,
    readonly random: Random,
    readonly ids: readonly string[],
    readonly pageCounts: readonly string[] = ["1", "3"],
  ) {}

  /** Makes an operation that is valid by the GraphQL specification. The service may still refuse it or answer errors. */
  make(): RandomOperation {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const operation = this.#makeAny();
      if (validate(this.schema, parse(operation.query), specifiedRules).length === 0) return operation;
    }
    throw new Error("no valid operation was found");
  }

  #makeAny(): RandomOperation {
    const { random } = this;
    const objectTypes = Object.values(this.schema.getTypeMap()).filter(
      (type) => isObjectType(type) && (random.chance(10) || !type.name.startsWith("__")),
    ) as GraphQLObjectType[];
    const readable = objectTypes.filter(({ name }) => !["Mutation", "Subscription"].includes(name));
    this.#fragments = new Map();
    this.#fragmentTypes = Array.from({ length: random.below(5) }, () => random.pick(readable));
    // Written from last to first, because each fragment may spread the later ones.
    for (let index = this.#fragmentTypes.length - 1; index >= 0; index--) {
      const type = this.#fragmentTypes[index]!;
      const body = this.#selectionSet(type, 1 + random.below(2), index + 1);
      this.#fragments.set(
        this.#fragmentName(index),
        `fragment ${this.#fragmentName(index)} on ${type.name} ${body}`,
      );
    }
    const names = random.chance(30) ? ["A", random.pick(awkwardNames)] : [random.pick(["", "A"])];
    const bodies = names.map(() => this.#selectionSet(this.schema.getQueryType()!, MAX_DEPTH, 0));
    const operations = bodies.map((body, at) => `query ${names[at]} ${this.#definitionsOf(body)} ${body}`);
    const used = this.#fragmentsUsedIn(bodies.join(" "));
    const query = [...operations, ...used.map((name) => this.#fragments.get(name)!)].join("\n");
    const variables = Object.fromEntries(
      Object.entries(variablePool)
        .map(([name, { values }]) => [name, random.pick(values)])
        .filter(([, value]) => value !== undefined),
    );
    return { query, variables, operationName: names.length > 1 ? random.pick(names) : undefined };
  }

  #fragmentName(index: number): string {
    return index === 0 ? "constructor" : `F${index}`;
  }

  #selectionSet(type: GraphQLObjectType, depth: number, firstFragment: number): string {
    const { random } = this;
    const selections = Array.from({ length: 1 + random.below(4) }, () =>
      this.#selection(type, depth, firstFragment),
    );
    return `{ ${selections.join(" ")} ${random.chance(20) ? "__typename" : ""} }`;
  }

  #selection(type: GraphQLObjectType, depth: number, firstFragment: number): string {
    const { random } = this;
    const fragments = this.#fragmentTypes
      .map((fragmentType, index) => ({ fragmentType, index }))
      .filter(({ fragmentType, index }) => fragmentType === type && index >= firstFragment);
    if (fragments.length > 0 && random.chance(40)) {
      return `...${this.#fragmentName(random.pick(fragments).index)} ${this.#condition()}`;
    }
    if (random.chance(10) && depth > 0) {
      const on = random.chance(50) ? `on ${type.name}` : "";
      return `... ${on} ${this.#condition()} ${this.#selectionSet(type, depth - 1, firstFragment)}`;
    }
    return this.#field(type, depth, firstFragment);
  }

  #field(type: GraphQLObjectType, depth: number, firstFragment: number): string {
    const { random } = this;
    const fields = Object.values(type.getFields()).filter(
      (field) => depth > 0 || isLeafType(getNamedType(field.type)),
    );
    if (fields.length === 0) return "__typename";
    const field = random.pick(fields);
    const named = getNamedType(field.type);
    const alias = random.chance(15) ? `${random.pick([...awkwardNames, "a", "b"])}: ` : "";
    const inner =
      isCompositeType(named) && isObjectType(named)
        ? this.#selectionSet(named, depth - 1, firstFragment)
        : "";
    return `${alias}${field.name}${this.#argumentsOf(field)} ${this.#condition()} ${inner}`;
  }

  #argumentsOf({ args }: GraphQLField<unknown, unknown>): string {
    const given = args
      .map((argument) => [argument.name, this.#valueOf(argument)] as const)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}`);
    return given.length > 0 ? `(${given.join(", ")})` : "";
  }

  /** The GraphQL text of a value; null leaves the argument out. */
  #valueOf({ name, type }: GraphQLArgument): string | null {
    const { random } = this;
    const named = getNamedType(type);
    if (name === "first") return random.pick([null, ...this.pageCounts, "$count"]);
    if (name === "id") return random.pick(["$id", ...this.ids.map((id) => JSON.stringify(id))]);
    if (named.name === "PictureSize") return random.pick([null, "PX96", "$size"]);
    if (isEnumType(named)) return random.pick([null, ...named.getValues().map((value) => value.name)]);
    if (name === "includeDeprecated") return random.pick([null, "true"]);
    if (name === "name") return '"User"';
    return null;
  }

  #condition(): string {
    const { random } = this;
    if (!random.chance(15)) return "";
    return `@${random.pick(["skip", "include"])}(if: ${random.pick(["true", "false", "$yes", "$perhaps"])})`;
  }

  #fragmentsUsedIn(text: string): string[] {
    const used = new Set<string>();
    const visit = (part: string): void => {
      for (const [, name] of part.matchAll(/\.\.\.(\w+)/g)) {
        if (name === undefined || used.has(name) || !this.#fragments.has(name)) continue;
        used.add(name);
        visit(this.#fragments.get(name)!);
      }
    };
    visit(text);
    return [...used];
  }

  #definitionsOf(body: string): string {
    const text = [body, ...this.#fragmentsUsedIn(body).map((name) => this.#fragments.get(name))].join(" ");
    const used = Object.keys(variablePool).filter((name) => new RegExp(`\\$${name}\\b`).test(text));
    return used.length > 0 ? `(${used.map((name) => variablePool[name]!.definition).join(", ")})` : "";
  }
}
