// Reads, makes and inserts the chunks of a PNG. Source: PNG specification, third edition, chapter 5.3.
import { crc32 } from "node:zlib";

import { unreadable } from "../unreadable.ts";

export const SIGNATURE_BYTES = 8;

/** A chunk has its length and type before its data, and a checksum after it. */
const CHUNK_HEAD_BYTES = 8;
const CHUNK_TAIL_BYTES = 4;
export const CHUNK_OVERHEAD_BYTES = CHUNK_HEAD_BYTES + CHUNK_TAIL_BYTES;

export interface Chunk {
  type: string;
  data: Buffer;
  /** The whole chunk: length, type, data and checksum. */
  bytes: Buffer;
  /** True when the checksum is right. */
  isSound: boolean;
}

export function readChunk(bytes: Buffer, offset: number): Chunk {
  if (offset + CHUNK_HEAD_BYTES + CHUNK_TAIL_BYTES > bytes.length) {
    throw unreadable("PNG", "it ends before its end chunk");
  }
  const end = offset + CHUNK_HEAD_BYTES + bytes.readUInt32BE(offset) + CHUNK_TAIL_BYTES;
  if (end > bytes.length) throw unreadable("PNG", "it ends within a chunk");
  const checked = bytes.subarray(offset + 4, end - CHUNK_TAIL_BYTES);
  return {
    type: checked.toString("latin1", 0, 4),
    data: checked.subarray(4),
    bytes: bytes.subarray(offset, end),
    isSound: crc32(checked) === bytes.readUInt32BE(end - CHUNK_TAIL_BYTES),
  };
}

export function createChunk(type: string, data: Buffer): Chunk {
  const bytes = Buffer.alloc(CHUNK_HEAD_BYTES + data.length + CHUNK_TAIL_BYTES);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  data.copy(bytes, CHUNK_HEAD_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -CHUNK_TAIL_BYTES)), bytes.length - CHUNK_TAIL_BYTES);
  return { type, data, bytes, isSound: true };
}

/** Splits a PNG without metadata. */
export function splitPng(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let offset = SIGNATURE_BYTES; offset < bytes.length;) {
    const chunk = readChunk(bytes, offset);
    chunks.push(chunk);
    offset += chunk.bytes.length;
  }
  return chunks;
}

/** Inserts chunks after the header. */
export function withChunks(bytes: Buffer, chunks: readonly Buffer[]): Buffer {
  const headerEnd = SIGNATURE_BYTES + readChunk(bytes, SIGNATURE_BYTES).bytes.length;
  return Buffer.concat([bytes.subarray(0, headerEnd), ...chunks, bytes.subarray(headerEnd)]);
}
