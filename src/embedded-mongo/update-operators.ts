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
    if (applyDirectly(document, operator, fields)) continue;
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

/** Applies the common operators on top-level fields. Returns false, without a change, for mingo to apply the others. */
function applyDirectly(document: Document, operator: string, fields: Document): boolean {
  const entries = Object.entries(fields);
  if (!entries.every(([path, operand]) => isTopLevel(path) && isDirect(document[path], operator, operand)))
    return false;
  for (const [path, operand] of entries) {
    if (operator === "$unset") delete document[path];
    else if (operator === "$currentDate") document[path] = new Date();
    else if (operator === "$inc") document[path] = ((document[path] as number | undefined) ?? 0) + operand;
    else document[path] = operand as unknown;
  }
  return true;
}

function isDirect(value: unknown, operator: string, operand: unknown): boolean {
  if (operator === "$currentDate") return operand === true;
  if (operator === "$inc") {
    return typeof operand === "number" && (value === undefined || typeof value === "number");
  }
  return operator === "$set" || operator === "$unset";
}

/** True when the operators do not change values within a field. */
export function changesOnlyTopLevel(modifier: Document): boolean {
  return Object.values(modifier).every((fields) => Object.keys(fields as Document).every(isTopLevel));
}

/** False also for names that mean something else to JavaScript, such as `__proto__`. */
function isTopLevel(path: string): boolean {
  return !path.includes(".") && !path.includes("$") && !(path in Object.prototype);
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
  if (before._id === after._id) return;
  const [one, other] = [before, after].map(({ _id }) => serialize({ _id: _id as unknown }));
  if (Buffer.compare(one!, other!) === 0) return;
  throw new MongoError(
    "ImmutableField",
    "Performing an update on the path '_id' would modify the immutable field '_id'",
  );
}

export function isPlainObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
