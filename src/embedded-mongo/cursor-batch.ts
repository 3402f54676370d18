// A part of a cursor's results. Stored documents reach the answer as they are stored, without being decoded.
import { serialize, type Document, type Long } from "bson";

const TYPE_DOCUMENT = 0x03;
const TYPE_ARRAY = 0x04;

/** The bytes of a document around its fields: its length and the zero at its end. */
const LENGTH_BYTES = 4;
const FRAME_BYTES = LENGTH_BYTES + 1;

/** The field `cursor` of an answer. `documents` are encoded. */
export class CursorBatch {
  constructor(
    readonly field: "firstBatch" | "nextBatch",
    readonly documents: readonly Uint8Array[],
    readonly id: Long,
    readonly ns: string,
  ) {}
}

/** Encodes an answer, which may have a `CursorBatch` as its field `cursor`. */
export function encodeBody({ cursor, ...rest }: Document): Uint8Array {
  if (!(cursor instanceof CursorBatch)) return serialize(cursor === undefined ? rest : { cursor, ...rest });
  const { field, documents, id, ns } = cursor;
  const cursorFields = fieldsOf({ id, ns });
  const otherFields = fieldsOf(rest);
  let arrayBytes = FRAME_BYTES;
  for (const [i, document] of documents.entries()) arrayBytes += nameBytes(String(i)) + document.length;
  const cursorBytes = FRAME_BYTES + nameBytes(field) + arrayBytes + cursorFields.length;
  const body = Buffer.alloc(FRAME_BYTES + nameBytes("cursor") + cursorBytes + otherFields.length);
  let end = body.writeInt32LE(body.length);
  end = writeName(body, end, TYPE_DOCUMENT, "cursor");
  end = body.writeInt32LE(cursorBytes, end);
  end = writeName(body, end, TYPE_ARRAY, field);
  end = body.writeInt32LE(arrayBytes, end);
  for (const [i, document] of documents.entries()) {
    end = writeName(body, end, TYPE_DOCUMENT, String(i));
    body.set(document, end);
    end += document.length;
  }
  end += 1; // The zero at the end of the array.
  body.set(cursorFields, end);
  body.set(otherFields, end + cursorFields.length + 1);
  return body;
}

function fieldsOf(document: Document): Uint8Array {
  return serialize(document).subarray(LENGTH_BYTES, -1);
}

/** The length of a field before its value. `name` is ASCII. */
function nameBytes(name: string): number {
  return 1 + name.length + 1;
}

function writeName(body: Buffer, start: number, type: number, name: string): number {
  body[start] = type;
  body.write(name, start + 1, "latin1");
  return start + nameBytes(name);
}
