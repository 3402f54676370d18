// Finds documents: chooses a plan, tests every candidate against the whole query, and sorts in memory when no index
// gives the requested order.
import { calculateObjectSize, serialize, type Document } from "bson";
import { Aggregator, Query } from "mingo";

import { valueAt, type Collection, type StoredDocument } from "./collection.ts";
import type { Deadline } from "./deadline.ts";
import { MongoError } from "./errors.ts";
import { Matcher, mingoOptions } from "./matcher.ts";
import { choosePlan, type Plan, type SortSpec } from "./plan.ts";

/** MongoDB's limit for a sort that no index serves. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;

/** Pipeline stages that read only the collection itself and write nothing. */
const pipelineStages = new Set([
  "$addFields",
  "$count",
  "$facet",
  "$group",
  "$limit",
  "$match",
  "$project",
  "$replaceRoot",
  "$replaceWith",
  "$set",
  "$skip",
  "$sort",
  "$sortByCount",
  "$unset",
  "$unwind",
]);

export interface FindOptions {
  filter: Document;
  sort?: SortSpec;
  skip?: number;
  /** 0 means all, as in MongoDB. */
  limit?: number;
  deadline?: Deadline;
}

/**
 * Yields the documents of a query in order. No SQLite statement stays open between two documents, so other commands
 * may run, and write, in between.
 *
 * @throws BadValue for a malformed query, MaxTimeMSExpired, QueryExceededMemoryLimit
 */
export function* findDocuments(
  collection: Collection | undefined,
  { filter, sort = {}, skip = 0, limit = 0, deadline }: FindOptions,
): Generator<StoredDocument> {
  const matcher = new Matcher(filter);
  if (!collection) return;
  const plan = choosePlan(collection.indexes, filter, sort);
  const isSorted = plan?.isSorted || Object.keys(sort).length === 0;
  const matches = matching(plan ? readPlan(collection, plan) : collection.readAll(), matcher, deadline);
  let position = 0;
  for (const stored of isSorted ? matches : sortInMemory(matches, sort)) {
    position += 1;
    if (position > skip) yield stored;
    if (limit > 0 && position === skip + limit) return;
  }
}

/** Returns the plan for a query in the terms of MongoDB's `explain`. */
export function explainPlan(collection: Collection | undefined, filter: Document, sort: SortSpec): Document {
  const plan = collection && choosePlan(collection.indexes, filter, sort);
  return plan ? { stage: "IXSCAN", indexName: plan.index.spec.name } : { stage: "COLLSCAN" };
}

function* readPlan(collection: Collection, plan: Plan): Generator<StoredDocument> {
  const { index, isExact, ranges, isReverse } = plan;
  if (isExact && ranges.length > 1) {
    const keys = ranges.map(({ start }) => start);
    return yield* collection.readKeys(index, keys, isReverse);
  }
  for (const { start, end } of ranges) yield* collection.readRange(index, start, end, isReverse);
}

function* matching(
  candidates: Iterable<StoredDocument>,
  matcher: Matcher,
  deadline: Deadline | undefined,
): Generator<StoredDocument> {
  for (const stored of candidates) {
    deadline?.check();
    if (matcher.matches(stored)) yield stored;
  }
}

/** The first document of a query, or undefined. */
export function findDocument(
  collection: Collection | undefined,
  options: FindOptions,
): StoredDocument | undefined {
  return findDocuments(collection, { ...options, limit: 1 }).next().value as StoredDocument | undefined;
}

/** Applies a projection to a document. An empty projection returns the whole document. */
export function project(document: Document, projection: Document | undefined): Document {
  if (!projection || Object.keys(projection).length === 0) return document;
  return runPipeline([document], [{ $project: projection }])[0]!;
}

/**
 * Runs an aggregation. A `$match` in the first stage can use an index.
 *
 * @throws UnrecognizedPipelineStage, InvalidPipelineOperator, BadValue
 */
export function aggregate(
  collection: Collection | undefined,
  pipeline: Document[],
  deadline: Deadline,
): Document[] {
  for (const stage of pipeline) checkStage(stage);
  const filter = (pipeline[0]?.$match as Document | undefined) ?? {};
  return runPipeline(documentsOf(findDocuments(collection, { filter, deadline })), pipeline);
}

function* documentsOf(found: Iterable<StoredDocument>): Generator<Document> {
  for (const { document } of found) yield document;
}

/** Returns the distinct values at a path. Each element of an array counts as a value. */
export function distinctValues(
  collection: Collection | undefined,
  key: string,
  filter: Document,
  deadline: Deadline,
): unknown[] {
  const values = new Map<string, unknown>();
  for (const { document } of findDocuments(collection, { filter, deadline })) {
    const found = valueAt(document, key);
    if (found === undefined) continue;
    for (const value of Array.isArray(found) ? (found as unknown[]) : [found]) {
      values.set(Buffer.from(serialize({ value })).toString("latin1"), value);
    }
  }
  return [...values.values()];
}

function checkStage(stage: Document): void {
  const [name, ...others] = Object.keys(stage);
  if (!name || others.length > 0) {
    throw new MongoError(
      "IDLFailedToParse",
      "A pipeline stage specification object must contain exactly one field.",
    );
  }
  if (!pipelineStages.has(name)) {
    throw new MongoError("UnrecognizedPipelineStage", `Unrecognized pipeline stage name: '${name}'`);
  }
  for (const nested of name === "$facet" ? Object.values(stage.$facet as Document) : []) {
    for (const inner of nested as Document[]) checkStage(inner);
  }
}

function runPipeline(source: Iterable<Document>, pipeline: Document[]): Document[] {
  try {
    return new Aggregator(pipeline, mingoOptions).run(source as Document[]);
  } catch (error) {
    if (error instanceof MongoError) throw error;
    throw new MongoError("InvalidPipelineOperator", (error as Error).message, {}, { cause: error });
  }
}

function sortInMemory(matches: Iterable<StoredDocument>, sort: SortSpec): StoredDocument[] {
  const byDocument = new Map<Document, StoredDocument>();
  let bytes = 0;
  for (const stored of matches) {
    byDocument.set(stored.document, stored);
    bytes += calculateObjectSize(stored.document);
    if (bytes > MAX_SORT_BYTES) {
      throw new MongoError(
        "QueryExceededMemoryLimit",
        `Sort exceeded memory limit of ${MAX_SORT_BYTES} bytes`,
      );
    }
  }
  return new Query({})
    .find<Document>([...byDocument.keys()])
    .sort(sort)
    .all()
    .map((document) => byDocument.get(document)!);
}
