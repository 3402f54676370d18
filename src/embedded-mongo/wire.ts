// MongoDB's wire protocol: decodes the bytes of a connection into commands, and encodes answers into bytes.
// Source: the specification of OP_MSG, and of OP_QUERY, which drivers still use for their first message.
import { BSONError, deserialize, type Document } from "bson";

import { encodeBody } from "./cursor-batch.ts";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

const HEADER_BYTES = 16;

/** The longest message that MongoDB accepts. */
export const MAX_MESSAGE_BYTES = 48_000_000;

const FLAG_CHECKSUM_PRESENT = 1 << 0;
const FLAG_MORE_TO_COME = 1 << 1;

/** A decoded request of a driver. `expectsAnswer` is false for an unacknowledged write. */
export interface Request {
  id: number;
  isLegacy: boolean;
  command: Document;
  expectsAnswer: boolean;
}

/** Splits a connection's bytes into messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the messages that `chunk` completes. @throws Error when a message declares an impossible length */
  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const messages: Buffer[] = [];
    while (this.#rest.length >= HEADER_BYTES) {
      const length = this.#rest.readInt32LE(0);
      if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) throw new Error(`message of ${length} bytes`);
      if (this.#rest.length < length) break;
      messages.push(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
    }
    return messages;
  }
}

/** @throws Error for anything but a well-formed OP_MSG or OP_QUERY */
export function decodeRequest(message: Buffer): Request {
  const id = message.readInt32LE(4);
  const opCode = message.readInt32LE(12);
  if (opCode === OP_MSG) return { id, isLegacy: false, ...decodeMessage(message) };
  if (opCode === OP_QUERY) return { id, isLegacy: true, command: decodeQuery(message), expectsAnswer: true };
  throw new Error(`operation ${opCode} is not supported`);
}

/** The answer to a request, as bytes for the connection. */
export function encodeAnswer(request: Request, answer: Document): Buffer {
  const body = encodeBody(answer);
  return request.isLegacy ? encodeReply(request.id, body) : encodeMessage(request.id, body);
}

function decodeMessage(message: Buffer): { command: Document; expectsAnswer: boolean } {
  const flags = message.readUInt32LE(HEADER_BYTES);
  const end = flags & FLAG_CHECKSUM_PRESENT ? message.length - 4 : message.length;
  let command: Document | undefined;
  const sequences: Document = {};
  for (let offset = HEADER_BYTES + 4; offset < end;) {
    const kind = message[offset]!;
    const size = message.readInt32LE(offset + 1);
    if (size < 5 || offset + 1 + size > end) throw new BSONError("section exceeds the message");
    const section = message.subarray(offset + 1, offset + 1 + size);
    if (kind === 0) command = deserialize(section);
    else if (kind === 1) Object.assign(sequences, decodeSequence(section));
    else throw new BSONError(`section of kind ${kind}`);
    offset += 1 + size;
  }
  if (!command) throw new BSONError("message without a body");
  return { command: { ...command, ...sequences }, expectsAnswer: (flags & FLAG_MORE_TO_COME) === 0 };
}

function decodeSequence(section: Buffer): Document {
  const nameEnd = section.indexOf(0, 4);
  const documents: Document[] = [];
  for (let offset = nameEnd + 1; offset < section.length;) {
    const size = section.readInt32LE(offset);
    if (size < 5) throw new BSONError("document of impossible size");
    documents.push(deserialize(section.subarray(offset, offset + size)));
    offset += size;
  }
  return { [section.toString("utf8", 4, nameEnd)]: documents };
}

function decodeQuery(message: Buffer): Document {
  const nameEnd = message.indexOf(0, HEADER_BYTES + 4);
  const [db] = message.toString("utf8", HEADER_BYTES + 4, nameEnd).split(".");
  return { ...deserialize(message.subarray(nameEnd + 1 + 8)), $db: db };
}

function encodeMessage(requestId: number, body: Uint8Array): Buffer {
  const head = encodeHeader(requestId, OP_MSG, 5 + body.length);
  return Buffer.concat([head, Buffer.alloc(5), body]); // Four bytes of flags, and the section's kind: all 0.
}

function encodeReply(requestId: number, body: Uint8Array): Buffer {
  const fields = Buffer.alloc(20); // Flags, cursor id and starting position are 0.
  fields.writeInt32LE(1, 16); // Number of documents.
  return Buffer.concat([encodeHeader(requestId, OP_REPLY, fields.length + body.length), fields, body]);
}

function encodeHeader(requestId: number, opCode: number, bodyBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + bodyBytes, 0);
  header.writeInt32LE(requestId, 8);
  header.writeInt32LE(opCode, 12);
  return header;
}
