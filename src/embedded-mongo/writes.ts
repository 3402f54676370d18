// Inserts, updates and deletes documents of one collection. Each function runs one statement of a command inside the
// command's transaction, and returns what it has changed.
import { deserialize, ObjectId, type Document } from "bson";

import type { Collection, StoredDocument } from "./collection.ts";
import { MongoError } from "./errors.ts";
import { parseQuery } from "./matcher.ts";
import type { SortSpec } from "./plan.ts";
import { findDocument, findDocuments } from "./reads.ts";
import {
  applyOperators,
  assertOperators,
  assertSameId,
  changesOnlyTopLevel,
  isPlainObject,
} from "./update-operators.ts";

export interface UpdateStatement {
  filter: Document;
  update: Document;
  isMulti: boolean;
  isUpsert: boolean;
  sort?: SortSpec;
}

export interface UpdateOutcome {
  matchedCount: number;
  modifiedCount: number;
  before: Document | null;
  after: Document | null;
  upsertedId?: unknown;
}

/** Inserts a document, with a new `_id` if it does not have one. @throws DuplicateKey */
export function insertDocument(collection: Collection, document: Document): void {
  const { _id = new ObjectId(), ...fields } = document;
  if (Array.isArray(_id)) throw new MongoError("BadValue", "The '_id' value cannot be of type array");
  collection.insert({ _id, ...fields });
}

/**
 * Updates the documents that the filter selects. If there are none, inserts one when `isUpsert` is true.
 *
 * @throws DuplicateKey, ImmutableField when `_id` would change, TypeMismatch, FailedToParse
 */
export function updateDocuments(
  collection: Collection | undefined,
  statement: UpdateStatement,
): UpdateOutcome {
  const { filter, update, isMulti, isUpsert, sort = {} } = statement;
  const isReplacement = !Object.keys(update).some((key) => key.startsWith("$"));
  if (!isReplacement) assertOperators(update);
  if (isReplacement && isMulti)
    throw new MongoError("FailedToParse", "multi update is not supported for replacement-style update");
  // All documents are found before the first is changed: otherwise the scan could return a changed one again.
  const found = Array.from(findDocuments(collection, { filter, sort, limit: isMulti ? 0 : 1 }));
  const outcome: UpdateOutcome = { matchedCount: 0, modifiedCount: 0, before: null, after: null };
  for (const stored of found) {
    const after = isReplacement ? { _id: stored.document._id as unknown, ...update } : modify(stored, update);
    assertSameId(stored.document, after);
    outcome.matchedCount += 1;
    outcome.before = stored.document;
    outcome.after = after;
    if (collection!.replace(stored, after)) outcome.modifiedCount += 1;
  }
  if (outcome.matchedCount === 0 && isUpsert) {
    outcome.after = upsertedDocument(filter, update, isReplacement);
    outcome.upsertedId = outcome.after._id as unknown;
    insertDocument(collection!, outcome.after);
  }
  return outcome;
}

/**
 * Removes the first document that the filter selects, or all of them with `isMulti`. Returns the number of removed
 * documents, and the last of them.
 */
export function deleteDocuments(
  collection: Collection | undefined,
  { filter, isMulti, sort = {} }: { filter: Document; isMulti: boolean; sort?: SortSpec },
): { deletedCount: number; last: Document | null } {
  const found = isMulti
    ? [...findDocuments(collection, { filter, sort })]
    : [findDocument(collection, { filter, sort })].filter((stored) => stored !== undefined);
  for (const stored of found) collection!.remove(stored);
  return { deletedCount: found.length, last: found.at(-1)?.document ?? null };
}

function modify({ document, bytes }: StoredDocument, update: Document): Document {
  const { $setOnInsert: _onlyForInserts, ...modifier } = update;
  // An operator on a top-level field does not change the values of other fields, so a copy may share them.
  const copy = changesOnlyTopLevel(modifier) ? { ...document } : deserialize(bytes);
  return applyOperators(copy, modifier);
}

/** The document of an upsert: the filter's equalities with the operators applied, or the replacement with an `_id`. */
function upsertedDocument(
  filter: Document,
  update: Document,
  isReplacement: boolean,
): Document & { _id: unknown } {
  const equalities = equalitiesOf(filter);
  if (isReplacement) {
    const _id: unknown = update._id ?? equalities._id ?? new ObjectId();
    return { _id, ...update };
  }
  const { $setOnInsert = {}, ...modifier } = update;
  const document = applyOperators(equalities, { $set: $setOnInsert as Document });
  applyOperators(document, modifier);
  const { _id = new ObjectId(), ...fields } = document;
  return { _id, ...fields };
}

function equalitiesOf(filter: Document): Document {
  parseQuery(filter);
  const document: Document = {};
  for (const [path, condition] of Object.entries(filter)) {
    if (path === "$and")
      for (const part of condition as Document[]) Object.assign(document, equalitiesOf(part));
    if (path.startsWith("$")) continue;
    const value: unknown = isPlainObject(condition) && "$eq" in condition ? condition.$eq : condition;
    if (isPlainObject(value) && Object.keys(value).some((key) => key.startsWith("$"))) continue;
    applyOperators(document, { $set: { [path]: value } });
  }
  return document;
}
