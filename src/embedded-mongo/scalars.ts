// Reads single fields of an encoded document, so that most conditions can be tested without decoding it.
// Source: https://bsonspec.org/spec.html.
import { ObjectId } from "bson";

/** A value as a primitive. `===` and `<` compare two scalars of the same kind as MongoDB compares the values. */
export interface Scalar {
  kind: "null" | "number" | "string" | "boolean" | "date" | "objectId";
  value: string | number | boolean | null;
}

const NULL: Scalar = { kind: "null", value: null };
const TRUE: Scalar = { kind: "boolean", value: true };
const FALSE: Scalar = { kind: "boolean", value: false };

/** The scalar of a decoded value, or undefined for NaN and for every type that `Scalar` does not have. */
export function toScalar(value: unknown): Scalar | undefined {
  if (value === null) return NULL;
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value === "number") return numberScalar("number", value);
  if (value instanceof Date) return numberScalar("date", value.getTime());
  if (value instanceof ObjectId) return { kind: "objectId", value: toText(value.id) };
  return undefined;
}

/**
 * Reads the fields `names` of an encoded document, in this order. A missing field is undefined.
 *
 * Returns null when one of the fields is not a scalar, or when the document has a value of an unknown type.
 */
export function readScalars(bytes: Buffer, names: readonly Buffer[]): (Scalar | undefined)[] | null {
  const found: (Scalar | undefined)[] = names.map(() => undefined);
  for (let position = 4; position < bytes.length - 1;) {
    const type = bytes[position]!;
    const nameStart = position + 1;
    let nameEnd = nameStart;
    while (nameEnd < bytes.length && bytes[nameEnd] !== 0) nameEnd++;
    const start = nameEnd + 1;
    for (let i = 0; i < names.length; i++) {
      if (!isName(bytes, nameStart, nameEnd, names[i]!)) continue;
      const scalar = readScalar(bytes, type, start);
      if (!scalar) return null;
      found[i] = scalar;
    }
    const size = sizeOf(bytes, type, start);
    if (size === undefined) return null;
    position = start + size;
  }
  return found;
}

function isName(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

function readScalar(bytes: Buffer, type: number, start: number): Scalar | undefined {
  switch (type) {
    case 0x01:
      return numberScalar("number", bytes.readDoubleLE(start));
    case 0x02:
      return {
        kind: "string",
        value: bytes.toString("utf8", start + 4, start + 3 + bytes.readInt32LE(start)),
      };
    case 0x07:
      return { kind: "objectId", value: bytes.toString("latin1", start, start + 12) };
    case 0x08:
      return bytes[start] === 1 ? TRUE : FALSE;
    case 0x09:
      return numberScalar("date", readLong(bytes, start));
    case 0x0a:
      return NULL;
    case 0x10:
      return { kind: "number", value: bytes.readInt32LE(start) };
    default:
      return undefined;
  }
}

/** The length of a value in bytes, or undefined for the rare types. */
function sizeOf(bytes: Buffer, type: number, start: number): number | undefined {
  switch (type) {
    case 0x01: // Double.
    case 0x09: // Date.
    case 0x11: // Timestamp.
    case 0x12: // 64-bit integer.
      return 8;
    case 0x02: // String.
      return 4 + bytes.readInt32LE(start);
    case 0x03: // Document.
    case 0x04: // Array.
      return bytes.readInt32LE(start);
    case 0x05: // Binary data.
      return 5 + bytes.readInt32LE(start);
    case 0x07: // ObjectId.
      return 12;
    case 0x08: // Boolean.
      return 1;
    case 0x0a: // Null.
      return 0;
    case 0x10: // 32-bit integer.
      return 4;
    default:
      return undefined;
  }
}

function numberScalar(kind: "number" | "date", value: number): Scalar | undefined {
  return Number.isNaN(value) ? undefined : { kind, value };
}

function readLong(bytes: Buffer, start: number): number {
  return bytes.readInt32LE(start + 4) * 2 ** 32 + bytes.readUInt32LE(start);
}

function toText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1");
}
