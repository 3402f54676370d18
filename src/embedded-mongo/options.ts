// Reads the fields of a command and refuses every one that its command does not know: nothing that a caller
// asks for is ever ignored. Called by `commands.ts` and the tables of commands.
import type { Document } from "bson";

import { MongoError, notImplemented } from "./errors.ts";

/** Fields that any command may carry. Those that ask for a guarantee are checked below. */
const genericFields = new Set([
  "$db",
  "$readPreference",
  "comment",
  "lsid",
  "maxTimeMS",
  "readConcern",
  "writeConcern",
]);

/** One process, one file, every write durable: these read concerns all mean the same here. */
const readConcerns = new Set(["local", "available", "majority", "linearizable"]);

/** @throws IDLUnknownField, UnsatisfiableWriteConcern, NotImplemented */
export function checkFields(command: Document, name: string, known: readonly string[]): void {
  for (const field of Object.keys(command)) {
    if (field === name || known.includes(field) || genericFields.has(field)) continue;
    throw new MongoError("IDLUnknownField", `BSON field '${name}.${field}' is an unknown field.`);
  }
  const writeConcern = readDocument(command, "writeConcern");
  checkPart(writeConcern, "a write concern", ["w", "j", "wtimeout"]);
  const { w = 1 } = writeConcern as { w?: number | string };
  if (![0, 1, "majority"].includes(w)) {
    throw new MongoError(
      "UnsatisfiableWriteConcern",
      `A single server cannot satisfy the write concern w: ${w}`,
    );
  }
  const readConcern = readDocument(command, "readConcern");
  checkPart(readConcern, "a read concern", ["level"]);
  const { level = "local" } = readConcern as { level?: string };
  if (!readConcerns.has(level)) throw notImplemented(`The read concern '${level}'`);
}

/** The same for a part of a command: a statement of an update, say, or the specification of an index. */
export function checkPart(part: Document, what: string, known: readonly string[]): void {
  const unknown = Object.keys(part).find((field) => !known.includes(field));
  if (unknown) throw notImplemented(`The option '${unknown}' of ${what}`);
}

/** @throws TypeMismatch, IDLFailedToParse when it is missing */
export function readString(command: Document, field: string): string {
  const value: unknown = command[field];
  if (typeof value !== "string") throw mismatch(field, "string", value);
  return value;
}

export function readDocument(command: Document, field: string): Document {
  const value: unknown = command[field] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw mismatch(field, "object", value);
  return value as Document;
}

export function readDocuments(command: Document, field: string): Document[] {
  const value: unknown = command[field];
  if (!Array.isArray(value)) throw mismatch(field, "array", value);
  return value as Document[];
}

/** A whole number that is not negative, or `fallback` where there is none. */
export function readCount(command: Document, field: string, fallback: number): number {
  const value: unknown = command[field] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new MongoError("BadValue", `Field '${field}' must be a non-negative integer`);
  }
  return value;
}

/** A sort of plain directions. */
export function readSort(command: Document, field = "sort"): Record<string, 1 | -1> {
  const sort = readDocument(command, field);
  for (const [path, direction] of Object.entries(sort)) {
    if (direction !== 1 && direction !== -1) {
      throw new MongoError(
        "BadValue",
        `Illegal key in $sort specification: ${path}: ${JSON.stringify(direction)}`,
      );
    }
  }
  return sort;
}

function mismatch(field: string, expected: string, value: unknown): MongoError {
  if (value === undefined)
    return new MongoError("IDLFailedToParse", `BSON field '${field}' is missing but a required field`);
  return new MongoError("TypeMismatch", `BSON field '${field}' is of the wrong type, expected '${expected}'`);
}
