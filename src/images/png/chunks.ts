// Splits a PNG into chunks and keeps those that make the picture, byte for byte. Drops all others, and bytes after the
// end of the image. Source: PNG specification, third edition, chapter 11.
import { promisify } from "node:util";
import { crc32, deflate, inflate } from "node:zlib";

import { readOrientation, writeOrientation } from "../exif.ts";
import { cutProfile, MAX_PROFILE_BYTES } from "../icc-profile.ts";
import type { ImageHeader, ParsedImage } from "../image-header.ts";
import { unreadable } from "../unreadable.ts";
import { isPictureChunk, PALETTE, readPngHeader, type PngHeader } from "./header.ts";
import { measurePixels } from "./pixels.ts";

const deflateAsync = promisify(deflate);

const SIGNATURE_BYTES = 8;

const MAX_PROFILE_NAME_BYTES = 79;
/** The only compression method that the specification has for profiles. */
const DEFLATE = 0;

const nothing = Buffer.alloc(0);

/** A chunk has its length and type before its data, and a checksum after it. */
const CHUNK_HEAD_BYTES = 8;
const CHUNK_TAIL_BYTES = 4;

/**
 * Drops text, EXIF, XMP, time, animation and bytes after the end chunk. `toVerified` also drops data after the last
 * pixel.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its end chunk, or a kept chunk has a wrong checksum
 */
export function parsePng(bytes: Buffer): ParsedImage {
  const { header, chunks, orientation } = keptChunks(bytes);
  const signature = bytes.subarray(0, SIGNATURE_BYTES);
  return {
    header: toHeader(header, chunks, orientation),
    toStripped: () => Buffer.concat([signature, ...chunks.map((chunk) => chunk.bytes)]),
    async toVerified() {
      const pixels = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
      const pixelBytes = await measurePixels(header, Buffer.concat(pixels));
      if (pixelBytes === null) throw unreadable("PNG", "its pixel data does not match its size");
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
 * Returns the chunks that affect how the picture looks. Drops the frames of an animated PNG: no decoder here reads
 * them, so their content would be unchecked.
 */
function keptChunks(bytes: Buffer): { header: PngHeader; chunks: Chunk[]; orientation: number } {
  const first = readChunk(bytes, SIGNATURE_BYTES);
  if (first.type !== "IHDR" || !first.isSound)
    throw unreadable("PNG", "its first chunk is not a valid header");
  const header = readPngHeader(first.data);
  const chunks = [first];
  const seen = new Set([first.type]);
  let paletteBytes = 0;
  let orientation = 1;
  for (let offset = SIGNATURE_BYTES + first.bytes.length; ;) {
    const chunk = readChunk(bytes, offset);
    offset += chunk.bytes.length;
    // The EXIF chunk may be before or after the pixels.
    if (chunk.type === "eXIf" && chunk.isSound && !seen.has("eXIf"))
      orientation = readOrientation(chunk.data);
    const isWanted = isPictureChunk(chunk.type, chunk.data, header, paletteBytes);
    if (isWanted && !chunk.isSound) throw unreadable("PNG", `the checksum of ${chunk.type} is wrong`);
    if (!isWanted && isCritical(chunk.type) && chunk.type !== "PLTE") {
      throw unreadable("PNG", `chunk ${chunk.type} is not known`);
    }
    // Decoders ignore a second chunk of the same type, and a chunk after the pixels.
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

/** Adds EXIF data that contains only the orientation. */
export function withPngOrientation(bytes: Buffer, orientation: number): Buffer {
  const headerEnd = SIGNATURE_BYTES + readChunk(bytes, SIGNATURE_BYTES).bytes.length;
  const exif = createChunk("eXIf", writeOrientation(orientation)).bytes;
  return Buffer.concat([bytes.subarray(0, headerEnd), exif, bytes.subarray(headerEnd)]);
}

/** Drops the IDAT data after the first `pixelBytes` bytes. All other chunks stay the same, byte for byte. */
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

/** Returns the chunk. A colour profile is cut to the length in its header, or dropped when it is not valid. */
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

/** Returns null when the data is not valid, or inflates to more than `MAX_PROFILE_BYTES`. */
async function inflateProfile(compressed: Buffer): Promise<{ bytes: Buffer; readBytes: number } | null> {
  const options = { maxOutputLength: MAX_PROFILE_BYTES, info: true };
  return new Promise((resolve) => {
    // The option `info` adds the engine to the result, which the type definitions do not say.
    inflate(compressed, options, (error, result: unknown) => {
      const { buffer, engine } = (result ?? {}) as { buffer: Buffer; engine: { bytesWritten: number } };
      resolve(error ? null : { bytes: buffer, readBytes: engine.bytesWritten });
    });
  });
}

interface Chunk {
  type: string;
  data: Buffer;
  /** The whole chunk: length, type, data and checksum. */
  bytes: Buffer;
  /** True when the checksum is right. */
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

/** True for a chunk without which the picture cannot be shown: its type begins with an upper-case letter. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
