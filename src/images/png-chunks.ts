// Copies a PNG without its metadata, byte for byte: the chunks that make the picture stay, all others go, and
// so does whatever follows the end of the image. Source: PNG specification, third edition, chapter 11.
import { crc32 } from "node:zlib";

import { AppError } from "../errors.ts";

const SIGNATURE_BYTES = 8;

/** Length and type before the data of a chunk, its check sum behind it. */
const CHUNK_HEAD_BYTES = 8;
const CHUNK_TAIL_BYTES = 4;

/**
 * The chunks that decide how the picture looks, each with the most bytes that it can need. The frames of an
 * animated PNG are not among them: no decoder here ever looks into them, so nothing vouches for what they hold.
 */
const pictureChunks = new Map<string, number>([
  ["IHDR", 13],
  ["PLTE", 768],
  ["IDAT", Infinity],
  ["IEND", 0],
  ["tRNS", 256],
  ["cHRM", 32],
  ["gAMA", 4],
  ["iCCP", Infinity],
  ["sBIT", 4],
  ["sRGB", 1],
  ["cICP", 4],
  ["bKGD", 6],
  ["pHYs", 9],
]);

/**
 * The same picture without text, EXIF, XMP, time, animation and trailing bytes.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its end chunk or a check sum is wrong
 */
export function stripPng(bytes: Buffer): Buffer {
  const kept: Buffer[] = [bytes.subarray(0, SIGNATURE_BYTES)];
  const seen = new Set<string>();
  for (let offset = SIGNATURE_BYTES; ;) {
    const chunk = readChunk(bytes, offset);
    offset += chunk.bytes.length;
    const maxBytes = pictureChunks.get(chunk.type);
    if (maxBytes === undefined && isCritical(chunk.type))
      throw unreadable(`chunk ${chunk.type} is not known`);
    // A second one of a kind means nothing to a decoder, so it could carry anything.
    const isRepeated = seen.has(chunk.type) && chunk.type !== "IDAT";
    seen.add(chunk.type);
    if (maxBytes !== undefined && !isRepeated && chunk.dataBytes <= maxBytes) kept.push(chunk.bytes);
    if (chunk.type === "IEND") return Buffer.concat(kept);
  }
}

/**
 * The same PNG with its EXIF before its pixels. A PNG may have it behind them, where sharp does not look, and a
 * picture that lies on its side would stay so. Unchanged bytes where there is nothing to move.
 */
export function withExifFirst(bytes: Buffer): Buffer {
  if (!bytes.includes("eXIf")) return bytes; // Nearly always, and then nothing is walked twice.
  const chunks: { type: string; bytes: Buffer }[] = [];
  for (let offset = SIGNATURE_BYTES; chunks.at(-1)?.type !== "IEND"; offset += chunks.at(-1)!.bytes.length) {
    chunks.push(readChunk(bytes, offset));
  }
  const exifAt = chunks.findIndex(({ type }) => type === "eXIf");
  const pixelsAt = chunks.findIndex(({ type }) => type === "IDAT");
  if (exifAt === -1 || exifAt < pixelsAt) return bytes;
  const [exif] = chunks.splice(exifAt, 1);
  chunks.splice(1, 0, exif!); // Behind IHDR.
  return Buffer.concat([bytes.subarray(0, SIGNATURE_BYTES), ...chunks.map((chunk) => chunk.bytes)]);
}

function readChunk(bytes: Buffer, offset: number): { type: string; dataBytes: number; bytes: Buffer } {
  if (offset + CHUNK_HEAD_BYTES + CHUNK_TAIL_BYTES > bytes.length)
    throw unreadable("it ends before its end chunk");
  const dataBytes = bytes.readUInt32BE(offset);
  const end = offset + CHUNK_HEAD_BYTES + dataBytes + CHUNK_TAIL_BYTES;
  if (end > bytes.length) throw unreadable("it ends within a chunk");
  const checked = bytes.subarray(offset + 4, end - CHUNK_TAIL_BYTES);
  if (crc32(checked) !== bytes.readUInt32BE(end - CHUNK_TAIL_BYTES)) throw unreadable("a check sum is wrong");
  return {
    type: bytes.toString("latin1", offset + 4, offset + 8),
    dataBytes,
    bytes: bytes.subarray(offset, end),
  };
}

/** A chunk without which the picture cannot be shown has an upper-case first letter. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}

function unreadable(why: string): AppError {
  return new AppError("UNREADABLE_IMAGE", "The file is not a complete PNG image.", { cause: new Error(why) });
}
