// Encodes BSON values as bytes that `memcmp` sorts as MongoDB sorts the values. SQLite's B-tree can then enforce
// uniqueness, and serve ranges and sorts.
import { Binary, ObjectId } from "bson";

import { notImplemented } from "./errors.ts";

/** The first byte of an encoded value, in MongoDB's order of types. Gaps leave room for future types. */
const typeRank = {
  null: 0x10,
  number: 0x20,
  string: 0x30,
  binary: 0x60,
  objectId: 0x70,
  boolean: 0x80,
  date: 0x90,
} as const;

/** True for a value that an index can hold. False for arrays, documents and the rarer BSON types. */
export function isIndexable(value: unknown): boolean {
  return rankOf(value) !== undefined;
}

/**
 * Encodes one value. No encoding is a prefix of another one, so encodings can be concatenated.
 *
 * @throws NotImplemented when `isIndexable` is false for the value
 */
export function encodeKey(value: unknown): Buffer {
  const rank = rankOf(value);
  if (rank === undefined) throw notImplemented(`An index on a value of type ${typeName(value)}`);
  return Buffer.concat([Buffer.of(rank), encodePayload(value)]);
}

/** The key range of all values of the type of `value`: MongoDB compares only values of the same type. */
export function typeBounds(value: unknown): { start: Buffer; end: Buffer } {
  const rank = encodeKey(value)[0]!;
  return { start: Buffer.of(rank), end: Buffer.of(rank + 1) };
}

/** Inverts all bits of an encoded key, which reverses its order for a descending index. */
export function invert(key: Buffer): Buffer {
  return Buffer.from(key.map((byte) => byte ^ 0xff));
}

/** The smallest key greater than every key that starts with `prefix`. */
export function successor(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i]! < 0xff) {
      end[i]!++;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.alloc(prefix.length + 1, 0xff);
}

function rankOf(value: unknown): number | undefined {
  if (value === null || value === undefined) return typeRank.null;
  if (typeof value === "number") return typeRank.number;
  if (typeof value === "string") return typeRank.string;
  if (typeof value === "boolean") return typeRank.boolean;
  if (value instanceof Date) return typeRank.date;
  if (value instanceof ObjectId) return typeRank.objectId;
  if (value instanceof Binary) return typeRank.binary;
  return undefined;
}

function encodePayload(value: unknown): Buffer {
  if (typeof value === "number") return encodeNumber(value);
  if (typeof value === "boolean") return Buffer.of(value ? 1 : 0);
  if (typeof value === "string") return encodeString(value);
  if (value instanceof Date) return encodeNumber(value.getTime());
  if (value instanceof ObjectId) return Buffer.from(value.id);
  if (value instanceof Binary) return encodeBinary(value);
  return Buffer.alloc(0);
}

/** Flips the sign bit of a positive double and all bits of a negative one: the bytes then sort as the numbers do. */
function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  if (Number.isNaN(value)) return bytes; // MongoDB sorts NaN below every other number.
  bytes.writeDoubleBE(value === 0 ? 0 : value); // MongoDB treats -0 and 0 as equal.
  if (bytes[0]! & 0x80) return invert(bytes);
  bytes[0]! |= 0x80;
  return bytes;
}

/** UTF-8 and two zero bytes as the end. A zero in the string becomes 00 FF, so that "a" still sorts before "a\0". */
function encodeString(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  if (!bytes.includes(0)) return Buffer.concat([bytes, Buffer.of(0, 0)]);
  const escaped = [...bytes].flatMap((byte) => (byte === 0 ? [0, 0xff] : [byte]));
  return Buffer.from([...escaped, 0, 0]);
}

/** MongoDB compares binary data by length, then by subtype, then byte by byte. */
function encodeBinary(value: Binary): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(value.length());
  head[4] = value.sub_type;
  return Buffer.concat([head, value.value()]);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return (value as { _bsontype?: string })._bsontype ?? typeof value;
}
