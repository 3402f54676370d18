// Takes a PNG apart: the chunks that make the picture are kept, byte for byte, all others are dropped, and so are bytes
// after the end of the image. Source: PNG specification, third edition, chapter 11.
import { promisify } from "node:util";
import { crc32, deflate, inflate } from "node:zlib";

import { readOrientation, writeOrientation } from "../exif.ts";
import { cutProfile, MAX_PROFILE_BYTES } from "../icc-profile.ts";
import type { ImageHeader, WalkedImage } from "../image-header.ts";
import { unreadable } from "../unreadable.ts";
import { isPictureChunk, PALETTE, readPngHeader, type PngHeader } from "./header.ts";
import { measurePixels } from "./pixels.ts";

const deflateAsync = promisify(deflate);

const SIGNATURE_BYTES = 8;

const MAX_PROFILE_NAME_BYTES = 79;
/** The only way to compress a profile that there is. */
const DEFLATE = 0;

const nothing = Buffer.alloc(0);

/** Length and type before the data of a chunk, its check sum behind it. */
const CHUNK_HEAD_BYTES = 8;
const CHUNK_TAIL_BYTES = 4;

/**
 * Text, EXIF, XMP, time, animation and bytes after the end are dropped, and what stands behind the pixels.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its end chunk, or a check sum of what stays is wrong
 */
export function walkPng(bytes: Buffer): WalkedImage {
  const { header, chunks, orientation } = keptChunks(bytes);
  const signature = bytes.subarray(0, SIGNATURE_BYTES);
  return {
    header: toHeader(header, chunks, orientation),
    keep: () => Buffer.concat([signature, ...chunks.map((chunk) => chunk.bytes)]),
    async verify() {
      const pixels = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
      const pixelBytes = await measurePixels(header, Buffer.concat(pixels));
      if (pixelBytes === null) throw unreadable("PNG", "its pixels are not as many as it says");
      const kept = await Promise.all(cutPixels(chunks, pixelBytes).map(keepProfile));
      return Buffer.concat([signature, ...kept.map((chunk) => chunk.bytes)]);
    },
  };
}

function toHeader(header: PngHeader, chunks: readonly Chunk[], orientation: number): ImageHeader {
  const { widthPx: width, heightPx: height, bitDepth, colourType, samplesPerPixel, isInterlaced } = header;
  const hasAlphaTable = chunks.some(({ type }) => type === "tRNS");
  const channels = (colourType === PALETTE ? 3 : samplesPerPixel) + (hasAlphaTable ? 1 : 0);
  const pixelBytes = channels * (bitDepth > 8 ? 2 : 1);
  return {
    format: "png",
    width,
    height,
    frameCount: 1,
    framePixels: width * height,
    orientation,
    pixelBytes,
    heldPixelBytes: isInterlaced ? pixelBytes * 1.4 : 0,
    scanCount: 1,
  };
}

/**
 * The chunks that decide how the picture looks. The frames of an animated PNG are not among them: no decoder here
 * ever looks into them, so nothing vouches for what they hold.
 */
function keptChunks(bytes: Buffer): { header: PngHeader; chunks: Chunk[]; orientation: number } {
  const first = readChunk(bytes, SIGNATURE_BYTES);
  if (first.type !== "IHDR" || !first.isSound) throw unreadable("PNG", "it does not begin with its header");
  const header = readPngHeader(first.data);
  const chunks = [first];
  const seen = new Set([first.type]);
  let paletteBytes = 0;
  let orientation = 1;
  for (let offset = SIGNATURE_BYTES + first.bytes.length; ;) {
    const chunk = readChunk(bytes, offset);
    offset += chunk.bytes.length;
    // EXIF may stand before the pixels or behind them.
    if (chunk.type === "eXIf" && chunk.isSound && !seen.has("eXIf"))
      orientation = readOrientation(chunk.data);
    const isWanted = isPictureChunk(chunk.type, chunk.data, header, paletteBytes);
    if (isWanted && !chunk.isSound) throw unreadable("PNG", `the check sum of ${chunk.type} is wrong`);
    if (!isWanted && isCritical(chunk.type) && chunk.type !== "PLTE") {
      throw unreadable("PNG", `chunk ${chunk.type} is not known`);
    }
    // A second one of a kind, or one behind the pixels, means nothing to a decoder.
    const isHeeded =
      chunk.type === "IDAT" || chunk.type === "IEND" || !(seen.has(chunk.type) || seen.has("IDAT"));
    if (isWanted && isHeeded) {
      chunks.push(chunk);
      if (chunk.type === "PLTE") paletteBytes = chunk.data.length;
    }
    seen.add(chunk.type);
    if (chunk.type === "IEND") return { header, chunks, orientation };
  }
}

/** The PNG with EXIF data that says nothing but its orientation. */
export function withPngOrientation(bytes: Buffer, orientation: number): Buffer {
  const headerEnd = SIGNATURE_BYTES + readChunk(bytes, SIGNATURE_BYTES).bytes.length;
  const exif = createChunk("eXIf", writeOrientation(orientation)).bytes;
  return Buffer.concat([bytes.subarray(0, headerEnd), exif, bytes.subarray(headerEnd)]);
}

/** The same chunks where the pixels fill theirs; else with what follows the pixels cut off. */
function cutPixels(chunks: readonly Chunk[], pixelBytes: number): readonly Chunk[] {
  let bytesLeft = pixelBytes;
  return chunks.flatMap((chunk) => {
    if (chunk.type !== "IDAT") return chunk;
    const data = chunk.data.subarray(0, bytesLeft);
    bytesLeft -= data.length;
    if (data.length === 0) return [];
    return data.length === chunk.data.length ? chunk : createChunk("IDAT", data);
  });
}

/** The chunk; of a colour profile what its header says that it is, or nothing. */
async function keepProfile(chunk: Chunk): Promise<{ bytes: Buffer }> {
  if (chunk.type !== "iCCP") return chunk;
  const nameEnd = chunk.data.indexOf(0);
  const isNamed = nameEnd >= 1 && nameEnd <= MAX_PROFILE_NAME_BYTES && chunk.data[nameEnd + 1] === DEFLATE;
  if (!isNamed) return { bytes: nothing };
  const compressedAt = nameEnd + 2;
  const inflated = await inflateProfile(chunk.data.subarray(compressedAt));
  const profile = inflated && cutProfile(inflated.bytes);
  if (!profile) return { bytes: nothing };
  const isExact = profile.equals(inflated.bytes) && compressedAt + inflated.readBytes === chunk.data.length;
  if (isExact) return chunk;
  return createChunk(
    "iCCP",
    Buffer.concat([chunk.data.subarray(0, compressedAt), await deflateAsync(profile)]),
  );
}

/** Null for what is not compressed, or is larger than any profile. */
async function inflateProfile(compressed: Buffer): Promise<{ bytes: Buffer; readBytes: number } | null> {
  const options = { maxOutputLength: MAX_PROFILE_BYTES, info: true };
  return new Promise((resolve) => {
    // With `info` the result has the engine beside it; the types do not know that.
    inflate(compressed, options, (error, result: unknown) => {
      const { buffer, engine } = (result ?? {}) as { buffer: Buffer; engine: { bytesWritten: number } };
      resolve(error ? null : { bytes: buffer, readBytes: engine.bytesWritten });
    });
  });
}

interface Chunk {
  type: string;
  data: Buffer;
  /** All of it: length, type, data, check sum. */
  bytes: Buffer;
  /** Whether the check sum is right. */
  isSound: boolean;
}

function readChunk(bytes: Buffer, offset: number): Chunk {
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

function createChunk(type: string, data: Buffer): Chunk {
  const bytes = Buffer.alloc(CHUNK_HEAD_BYTES + data.length + CHUNK_TAIL_BYTES);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  data.copy(bytes, CHUNK_HEAD_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -CHUNK_TAIL_BYTES)), bytes.length - CHUNK_TAIL_BYTES);
  return { type, data, bytes, isSound: true };
}

/** A chunk without which the picture cannot be shown has an upper-case first letter. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
