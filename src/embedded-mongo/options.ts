// Reads the fields of a command. Refuses unknown fields, so that no option of a caller is ignored.
import type { Document } from "bson";

import { MongoError, notImplemented } from "./errors.ts";

/** Fields that every command may have. `checkFields` also checks the values of `readConcern` and `writeConcern`. */
const genericFields = new Set([
  "$db",
  "$readPreference",
  "comment",
  "lsid",
  "maxTimeMS",
  "readConcern",
  "writeConcern",
]);

/** Read concerns that are all equivalent here, because one process writes one file, and every write is durable. */
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

/** As `checkFields`, for a part of a command such as a statement or an index specification. @throws NotImplemented */
export function checkPart(part: Document, what: string, known: readonly string[]): void {
  const unknown = Object.keys(part).find((field) => !known.includes(field));
  if (unknown) throw notImplemented(`The option '${unknown}' of ${what}`);
}

/** @throws TypeMismatch, IDLFailedToParse when the field is missing */
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

/** Returns a non-negative integer, or `fallback` when the field is missing. @throws BadValue */
export function readCount(command: Document, field: string, fallback: number): number {
  const value: unknown = command[field] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new MongoError("BadValue", `Field '${field}' must be a non-negative integer`);
  }
  return value;
}

/** Returns a sort in which every direction is 1 or -1. @throws BadValue for any other direction */
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
