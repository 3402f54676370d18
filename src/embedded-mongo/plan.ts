// Chooses how to find the documents of a query: by ranges of an index, in index order if that is the requested order,
// or by reading the whole collection. The ranges may contain too many documents, but never too few: `reads.ts` tests
// each document against the whole query.
import { ObjectId, type Document } from "bson";

import type { Index } from "./collection.ts";
import { encodeKey, invert, isIndexable, successor, typeBounds } from "./key-encoding.ts";

/** The ranges of an index to read. `isSorted` is true when the index has the requested order. */
export interface Plan {
  index: Index;
  /** True when the start of each range is a whole key of a unique index, and the only one in its range. */
  isExact: boolean;
  ranges: { start: Buffer; end: Buffer }[];
  isReverse: boolean;
  isSorted: boolean;
}

export type SortSpec = Record<string, 1 | -1>;

/** The conditions of a query on one field: equal to one of `values`, or within `bounds`. */
interface Constraint {
  values?: unknown[];
  bounds: { operator: "$gt" | "$gte" | "$lt" | "$lte"; value: unknown }[];
}

/** Maximum number of ranges. Reading the documents in order is cheaper than reading more ranges. */
const MAX_RANGES = 10_000;

/** The best plan, or null when no index helps. */
export function choosePlan(indexes: Index[], filter: Document, sort: SortSpec): Plan | null {
  const constraints = collectConstraints(filter);
  let best: { plan: Plan; score: number } | null = null;
  for (const index of indexes) {
    if (!isUsable(index, constraints)) continue;
    const candidate = planFor(index, constraints, sort);
    if (candidate && (!best || candidate.score > best.score)) best = candidate;
  }
  return best?.plan ?? null;
}

/** Collects the conditions that every document must meet: those of the filter and of its `$and`. */
function collectConstraints(filter: Document, into = new Map<string, Constraint>()): Map<string, Constraint> {
  for (const [path, condition] of Object.entries(filter)) {
    if (path === "$and") for (const part of condition as Document[]) collectConstraints(part, into);
    if (path.startsWith("$")) continue;
    const constraint = into.get(path) ?? { bounds: [] };
    into.set(path, constraint);
    addCondition(constraint, condition);
  }
  return into;
}

function addCondition(constraint: Constraint, condition: unknown): void {
  if (!isOperators(condition)) {
    if (isIndexable(condition)) constraint.values ??= [condition];
    return;
  }
  for (const [operator, value] of Object.entries(condition)) {
    if (operator === "$eq" && isIndexable(value)) constraint.values ??= [value];
    if (operator === "$in" && Array.isArray(value) && value.every(isIndexable)) constraint.values ??= value;
    if (isBound(operator) && isIndexable(value) && value !== null)
      constraint.bounds.push({ operator, value });
  }
}

/** True for a condition that consists of operators, and is not a value. */
export function isOperators(condition: unknown): condition is Document {
  return (
    typeof condition === "object" &&
    condition !== null &&
    Object.getPrototypeOf(condition) === Object.prototype &&
    Object.keys(condition).some((key) => key.startsWith("$"))
  );
}

function isBound(operator: string): operator is "$gt" | "$gte" | "$lt" | "$lte" {
  return ["$gt", "$gte", "$lt", "$lte"].includes(operator);
}

/** False when the index leaves out documents that the query may select. */
function isUsable({ spec }: Index, constraints: Map<string, Constraint>): boolean {
  return !spec.sparse || Object.keys(spec.key).some((path) => excludesMissing(constraints.get(path)));
}

function excludesMissing(constraint: Constraint | undefined): boolean {
  if (!constraint) return false;
  if (constraint.values) return constraint.values.every((value) => value !== null && value !== undefined);
  return constraint.bounds.length > 0;
}

function planFor(
  index: Index,
  constraints: Map<string, Constraint>,
  sort: SortSpec,
): { plan: Plan; score: number } | null {
  const paths = Object.entries(index.spec.key);
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let fixedCount = 0; // Leading fields with exactly one value, which a sort may skip.
  let score = 0;
  let ranges: Plan["ranges"] | undefined;
  let isExact = index.spec.unique === true;
  for (const [position, [path, direction]] of paths.entries()) {
    const constraint = constraints.get(path);
    if (constraint?.values && prefixes.length * constraint.values.length <= MAX_RANGES) {
      const keys = distinctKeys(constraint.values, direction);
      if (keys.length === 1 && fixedCount === position) fixedCount++;
      prefixes = prefixes.flatMap((prefix) => keys.map((key) => Buffer.concat([prefix, key])));
      score += 2;
      continue;
    }
    isExact = false;
    if (constraint?.bounds.length) {
      const { start, end } = boundsOf(constraint.bounds, direction);
      ranges = prefixes.map((prefix) => ({
        start: Buffer.concat([prefix, start]),
        end: Buffer.concat([prefix, end]),
      }));
      score += 1;
    }
    break;
  }
  const order = sortDirection(paths, fixedCount, sort);
  if (score === 0 && !order) return null;
  ranges ??= prefixes.map((prefix) => ({ start: prefix, end: successor(prefix) }));
  ranges.sort((a, b) => a.start.compare(b.start));
  if (order === -1) ranges.reverse();
  return {
    plan: { index, isExact, ranges, isReverse: order === -1, isSorted: order !== undefined },
    score: score + (order ? 0.5 : 0),
  };
}

/** 1 or -1 when reading the index forwards or backwards gives the requested order, otherwise undefined. */
function sortDirection(paths: [string, 1 | -1][], fixedCount: number, sort: SortSpec): 1 | -1 | undefined {
  const wanted = Object.entries(sort);
  if (wanted.length === 0) return undefined;
  for (let skipped = 0; skipped <= fixedCount; skipped++) {
    const rest = paths.slice(skipped, skipped + wanted.length);
    if (rest.length < wanted.length || rest.some(([path], i) => path !== wanted[i]![0])) continue;
    const directions = rest.map(([, direction], i) => direction * wanted[i]![1]);
    if (directions.every((direction) => direction === directions[0])) return directions[0] as 1 | -1;
  }
  return undefined;
}

function distinctKeys(values: unknown[], direction: 1 | -1): Buffer[] {
  const keys = new Map(values.map((value) => [keyText(value), value]));
  return [...keys.values()].map((value) => (direction === 1 ? encodeKey(value) : invert(encodeKey(value))));
}

function keyText(value: unknown): string {
  return value instanceof ObjectId ? value.toHexString() : encodeKey(value).toString("hex");
}

/** The intersection of all bounds of one field as [start, end), limited to the type of their values. */
function boundsOf(bounds: Constraint["bounds"], direction: 1 | -1): { start: Buffer; end: Buffer } {
  let { start, end } = typeBounds(bounds[0]!.value);
  for (const { operator, value } of bounds) {
    const key = encodeKey(value);
    const edge = operator === "$gt" || operator === "$lte" ? successor(key) : key;
    if (operator.startsWith("$gt")) start = Buffer.compare(edge, start) > 0 ? edge : start;
    else end = Buffer.compare(edge, end) < 0 ? edge : end;
  }
  if (direction === 1) return { start, end };
  // Inverting swaps start and end. `successor` moves each after all keys that begin with it, so that the range still
  // contains the same keys.
  return { start: successor(invert(end)), end: successor(invert(start)) };
}
