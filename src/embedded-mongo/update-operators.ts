// Applies the operators of an update to a document with mingo. Refuses the updates that MongoDB would refuse and mingo
// would silently skip.
import { serialize, type Document } from "bson";
import { Query } from "mingo";
import { update as applyModifier } from "mingo/updater";

import { MongoError, notImplemented } from "./errors.ts";

const arithmeticOperators = new Set(["$inc", "$mul"]);

/** The supported operators, which act on whole fields. Operators on array elements (`$push`) are not supported. */
const updateOperators = new Set([
  "$set",
  "$setOnInsert",
  "$unset",
  "$min",
  "$max",
  "$currentDate",
  ...arithmeticOperators,
]);

/** Changes `document` in place and returns it. */
export function applyOperators(document: Document, modifier: Document): Document {
  for (const [operator, given] of Object.entries(modifier)) {
    const { _id, ...fields } = given as Document;
    if (_id !== undefined) setId(document, operator, _id);
    if (Object.keys(fields).length === 0) continue;
    if (arithmeticOperators.has(operator)) assertNumbers(document, operator, fields);
    for (const path of Object.keys(fields)) assertPath(document, path);
    try {
      applyModifier(document, { [operator]: fields });
    } catch (error) {
      throw new MongoError("FailedToParse", (error as Error).message, {}, { cause: error });
    }
  }
  return document;
}

/** Sets `_id` if the document does not have one. @throws ImmutableField for another id or any operator but $set */
function setId(document: Document, operator: string, _id: unknown): void {
  if (operator !== "$set") {
    throw new MongoError("ImmutableField", `${operator} cannot change the field '_id'`);
  }
  document._id ??= _id;
  assertSameId(document, { _id });
}

/** @throws FailedToParse, NotImplemented, ConflictingUpdateOperators */
export function assertOperators(update: Document): void {
  const paths: string[] = [];
  for (const [operator, fields] of Object.entries(update)) {
    if (!operator.startsWith("$") || !isPlainObject(fields)) {
      throw new MongoError("FailedToParse", `Modifiers operate on fields; '${operator}' does not`);
    }
    if (!updateOperators.has(operator)) throw notImplemented(`The update operator ${operator}`);
    for (const path of Object.keys(fields)) {
      const conflicting = paths.find(
        (other) => `${other}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${other}.`),
      );
      if (conflicting !== undefined) {
        throw new MongoError(
          "ConflictingUpdateOperators",
          `Updating the path '${path}' would create a conflict at '${conflicting}'`,
        );
      }
      paths.push(path);
    }
  }
}

/** Refuses a path that leads through a value, which mingo would skip. @throws PathNotViable, NotImplemented */
function assertPath(document: Document, path: string): void {
  if (path.includes("$")) throw notImplemented("A positional update");
  let value: unknown = document;
  for (const name of path.split(".").slice(0, -1)) {
    value = (value as Document)[name];
    if (value === undefined) return;
    if (Array.isArray(value)) throw notImplemented("An update within an array");
    if (!isPlainObject(value))
      throw new MongoError("PathNotViable", `Cannot create field '${path}' in a value`);
  }
}

/** Refuses arithmetic on a field that is not a number, which mingo would skip. @throws TypeMismatch */
function assertNumbers(document: Document, operator: string, fields: Document): void {
  for (const [path, operand] of Object.entries(fields)) {
    const isNotNumber = new Query({ [path]: { $exists: true, $not: { $type: "number" } } }).test(document);
    if (isNotNumber || typeof operand !== "number") {
      throw new MongoError(
        "TypeMismatch",
        `Cannot apply ${operator} to a value of non-numeric type: field '${path}'`,
      );
    }
  }
}

export function assertSameId(before: Document, after: Document): void {
  if (isSame({ _id: before._id as unknown }, { _id: after._id as unknown })) return;
  throw new MongoError(
    "ImmutableField",
    "Performing an update on the path '_id' would modify the immutable field '_id'",
  );
}

export function isSame(a: Document, b: Document): boolean {
  return Buffer.compare(serialize(a), serialize(b)) === 0;
}

export function isPlainObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
