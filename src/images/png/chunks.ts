// Splits a PNG into chunks and keeps those that make the picture, byte for byte. Drops all others, and bytes after the
// end of the image. Source: PNG specification, third edition, chapter 11.
import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";

import { readOrientation, UPRIGHT } from "../exif.ts";
import { cutProfile, MAX_PROFILE_BYTES } from "../icc-profile.ts";
import type { ImageHeader, ParsedImage } from "../image-header.ts";
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";
import { CHUNK_OVERHEAD_BYTES, createChunk, readChunk, SIGNATURE_BYTES, type Chunk } from "./chunk.ts";
import { isPictureChunk, PALETTE, readPngHeader, type PngHeader } from "./header.ts";
import { repairPixels } from "./pixels.ts";

const deflateAsync = promisify(deflate);

/** A file of 800 KB has a hundred chunks of the usual size. */
const MAX_CHUNKS = 5_000;

const MAX_PROFILE_NAME_BYTES = 79;
/** The only compression method that the specification has for profiles. */
const DEFLATE = 0;

const nothing = Buffer.alloc(0);

const PIXELS = "IDAT";
const END = "IEND";

/**
 * Drops text, EXIF, XMP, time, animation and bytes after the end chunk. `toRepaired` also replaces a wrong checksum of
 * the pixels, and drops data after the last pixel.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its pixels, or a chunk that it needs has a wrong checksum
 * @throws IMAGE_TOO_COMPLEX when it has more chunks than any encoder makes
 */
export function parsePng(bytes: Buffer): ParsedImage {
  const { header, chunks, orientation } = keptChunks(bytes);
  const join = (kept: readonly { bytes: Buffer }[]) =>
    Buffer.concat([bytes.subarray(0, SIGNATURE_BYTES), ...kept.map((chunk) => chunk.bytes)]);
  return {
    header: toHeader(header, chunks, orientation),
    toStripped: () => join(chunks),
    async toVerified() {
      const kept = await Promise.all(chunks.map(keepProfile));
      return kept.every((chunk, i) => chunk === chunks[i]) ? null : join(kept);
    },
    async toRepaired() {
      const pixels = chunks.filter(({ type }) => type === PIXELS).map(({ data }) => data);
      const repaired = replacePixels(chunks, await repairPixels(header, Buffer.concat(pixels)));
      return join(await Promise.all(repaired.map(keepProfile)));
    },
  };
}

function toHeader(header: PngHeader, chunks: readonly Chunk[], orientation: number): ImageHeader {
  const { widthPx: width, heightPx: height, bitDepth, colourType, samplesPerPixel, isInterlaced } = header;
  const hasAlphaTable = chunks.some(({ type }) => type === "tRNS");
  const channels = (colourType === PALETTE ? 3 : samplesPerPixel) + (hasAlphaTable ? 1 : 0);
  const pixelBytes = channels * (bitDepth > 8 ? 2 : 1);
  const heldPixelBytes = isInterlaced ? pixelBytes * 1.4 : 0;
  return {
    format: "png",
    width,
    height,
    frameCount: 1,
    framePixels: width * height,
    orientation,
    pixelBytes,
    heldPixelBytes,
    turningPixelBytes: heldPixelBytes + pixelBytes * 1.2,
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
  let orientation = UPRIGHT;
  let chunkCount = 1;
  for (let offset = SIGNATURE_BYTES + first.bytes.length; ;) {
    chunkCount += 1;
    if (chunkCount > MAX_CHUNKS) throw tooComplex("or more chunks", MAX_CHUNKS, chunkCount);
    const chunk = seen.has(PIXELS) ? readChunkOrRest(bytes, offset) : readChunk(bytes, offset);
    offset += chunk.bytes.length;
    // The EXIF chunk may be before or after the pixels.
    if (chunk.type === "eXIf" && chunk.isSound && !seen.has("eXIf"))
      orientation = readOrientation(chunk.data);
    if (!chunk.isSound && isCritical(chunk.type) && chunk.type !== END)
      throw unreadable("PNG", `the checksum of ${chunk.type} is wrong`);
    const isIntact = chunk.isSound || isCritical(chunk.type);
    const isWanted = isIntact && isPictureChunk(chunk.type, chunk.data, header, paletteBytes);
    if (!isWanted && isCritical(chunk.type) && chunk.type !== "PLTE") {
      throw unreadable("PNG", `chunk ${chunk.type} is not known`);
    }
    // Decoders ignore a second chunk of the same type, and a chunk after the pixels.
    const isHeeded =
      chunk.type === PIXELS || chunk.type === END || !(seen.has(chunk.type) || seen.has(PIXELS));
    if (isWanted && isHeeded) {
      chunks.push(chunk.isSound ? chunk : createChunk(chunk.type, chunk.data));
      if (chunk.type === "PLTE") paletteBytes = chunk.data.length;
    }
    seen.add(chunk.type);
    if (chunk.type === END) return { header, chunks, orientation };
  }
}

/** As `readChunk`, but returns the rest of a pixel chunk that is cut off, and creates a missing end chunk. */
function readChunkOrRest(bytes: Buffer, offset: number): Chunk {
  const isWhole = offset + CHUNK_OVERHEAD_BYTES <= bytes.length;
  const isFitting = isWhole && offset + CHUNK_OVERHEAD_BYTES + bytes.readUInt32BE(offset) <= bytes.length;
  if (isFitting) return readChunk(bytes, offset);
  const isPixels = bytes.toString("latin1", offset + 4, offset + 8) === PIXELS;
  return isPixels ? createChunk(PIXELS, bytes.subarray(offset + 8)) : createChunk(END, nothing);
}

/** Puts other data into the first chunk with pixels, and drops the rest of them. */
function replacePixels(chunks: readonly Chunk[], compressed: Buffer): readonly Chunk[] {
  const first = chunks.findIndex(({ type }) => type === PIXELS);
  return chunks.flatMap((chunk, i) => {
    if (chunk.type !== PIXELS) return chunk;
    return i === first ? createChunk(PIXELS, compressed) : [];
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

/** True for a chunk without which the picture cannot be shown: its type begins with an upper-case letter. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
