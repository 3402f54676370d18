// Tests documents against a query. Conditions on top-level scalars are tested on the encoded document. mingo tests the
// other conditions, and the documents that have an array or a document in one of these fields.
import type { Document } from "bson";
import { Query } from "mingo";
import type { Options } from "mingo/types";

import type { StoredDocument } from "./collection.ts";
import { MongoError } from "./errors.ts";
import { isOperators } from "./plan.ts";
import { readScalars, toScalar, type Scalar } from "./scalars.ts";

/** mingo refuses queries that contain JavaScript. */
export const mingoOptions: Partial<Options> = { scriptEnabled: false };

type Comparable = NonNullable<Scalar["value"]>;

const comparisons: Record<string, (a: Comparable, b: Comparable) => boolean> = {
  $gt: (a, b) => a > b,
  $gte: (a, b) => a >= b,
  $lt: (a, b) => a < b,
  $lte: (a, b) => a <= b,
};

/** A condition on one field. The value of a missing field is undefined. */
type Condition = (value: Scalar | undefined) => boolean;

export class Matcher {
  readonly #names: Buffer[] = [];
  readonly #conditions: Condition[] = [];
  readonly #filter: Document;
  /** True when `#conditions` are all conditions of the filter. */
  readonly #isComplete: boolean;
  /** The whole filter. Undefined until it is needed. */
  #query: Query | undefined;

  /** @throws BadValue for a malformed query */
  constructor(filter: Document) {
    this.#filter = filter;
    let isComplete = true;
    for (const [path, condition] of Object.entries(filter)) {
      const conditions = toConditions(path, condition);
      isComplete &&= conditions !== undefined;
      for (const one of conditions ?? []) {
        this.#names.push(Buffer.from(path));
        this.#conditions.push(one);
      }
    }
    this.#isComplete = isComplete;
    if (!isComplete) this.#query = parseQuery(filter);
  }

  matches(stored: StoredDocument): boolean {
    const scalars = readScalars(stored.bytes, this.#names);
    if (scalars && !this.#conditions.every((condition, i) => condition(scalars[i]))) return false;
    if (scalars && this.#isComplete) return true;
    this.#query ??= parseQuery(this.#filter);
    return this.#query.test(stored.document);
  }
}

/** @throws BadValue for a malformed query */
export function parseQuery(filter: Document): Query {
  try {
    return new Query(filter, mingoOptions);
  } catch (error) {
    throw new MongoError("BadValue", (error as Error).message, {}, { cause: error });
  }
}

/** The conditions of a filter on one field, or undefined when only mingo can test them. */
function toConditions(path: string, condition: unknown): Condition[] | undefined {
  if (path.startsWith("$") || path.includes(".")) return undefined;
  const operators: [string, unknown][] = isOperators(condition)
    ? Object.entries(condition)
    : [["$eq", condition]];
  const conditions = operators.map(([operator, operand]) => toCondition(operator, operand));
  return conditions.every((one) => one !== undefined) ? conditions : undefined;
}

function toCondition(operator: string, operand: unknown): Condition | undefined {
  if (operator === "$exists" && typeof operand === "boolean")
    return (value) => (value !== undefined) === operand;
  const isList = operator === "$in" || operator === "$nin";
  if (isList !== Array.isArray(operand)) return undefined;
  const operands = (isList ? (operand as unknown[]) : [operand]).map(toScalar);
  if (!operands.every((one) => one !== undefined)) return undefined;
  const isNegated = operator === "$ne" || operator === "$nin";
  if (!isNegated && !isList && operator !== "$eq") return comparisonWith(operator, operands[0]!);
  const isWanted = equalityWith(operands);
  return isNegated ? (value) => !isWanted(value) : isWanted;
}

/** Accepts the values that equal one of `wanted`. A missing field equals null. */
function equalityWith(wanted: Scalar[]): Condition {
  const byKind = new Map(wanted.map(({ kind }) => [kind, new Set<Scalar["value"]>()]));
  for (const { kind, value } of wanted) byKind.get(kind)!.add(value);
  return (value) => (value ? byKind.get(value.kind)?.has(value.value) === true : byKind.has("null"));
}

/** Accepts the values that are of the same kind as `bound`, and less or greater. */
function comparisonWith(operator: string, bound: Scalar): Condition | undefined {
  if (bound.value === null) return undefined;
  const compare = comparisons[operator];
  return compare && ((value) => value?.kind === bound.kind && compare(value.value!, bound.value!));
}
