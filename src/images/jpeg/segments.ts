// Splits a JPEG into segments and keeps the image's own ones and its colour profile, byte for byte. Drops all others,
// and bytes after the end of the image. Source: ITU-T T.81, annex B.
import { pictureLimits } from "../../domain/picture-format.ts";
import { readOrientation, writeOrientation } from "../exif.ts";
import type { ImageHeader, ParsedImage } from "../image-header.ts";
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";
import { readFrame, type JpegFrame } from "./frame.ts";
import { isProfilePart, keepProfile, type ProfilePart } from "./profile.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;
const APP15 = 0xef;
const COM = 0xfe;
const DNL = 0xdc;

const HUFFMAN_TABLES = 0xc4;
const QUANTISATION_TABLES = 0xdb;
const RESTART_INTERVAL = 0xdd;
/** Few files have a hundred segments. A file with 100 scans has up to a thousand. */
const MAX_SEGMENTS = 2_000;

const FIRST_FRAME = 0xc0;
const LAST_FRAME = 0xcf;

const jfif = Buffer.from("JFIF\0");
const adobe = Buffer.from("Adobe");
const exif = Buffer.from("Exif\0\0");

/** Marker and length. */
const SEGMENT_HEAD_BYTES = 4;

/** A JFIF segment without a thumbnail: signature, version, density, and a thumbnail size of 0 × 0 pixels. */
const JFIF_BYTES = 14;

/** Signature, version, two flags and the colour transform, without which a CMYK image has wrong colours. */
const ADOBE_BYTES = 12;

/** Measured: the memory that a decoder takes, as a multiple of the coefficients that it keeps. */
const COEFFICIENT_OVERHEAD = 1.1;

/** The end of a scan header: all coefficients (0 to 63), at full precision. */
const SEQUENTIAL_RANGE = Buffer.from([0, 63, 0]);

/**
 * Drops EXIF, XMP, IPTC, comments and embedded thumbnails. `toVerified` does not check the compressed data: the decoder
 * reports data that ends early.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its end marker, is not made of segments, or cannot be shown
 * @throws IMAGE_TOO_COMPLEX when it has more scans or segments than any encoder makes
 */
export function parseJpeg(bytes: Buffer): ParsedImage {
  const kept: Buffer[] = [bytes.subarray(0, 2)];
  const profile: { at: number; parts: ProfilePart[] } = { at: 1, parts: [] };
  let frame: JpegFrame | null = null;
  let orientation = 1;
  let scanCount = 0;
  let isInterleaved = true;
  let segmentCount = 0;
  for (let offset = 2; ;) {
    segmentCount += 1;
    if (segmentCount > MAX_SEGMENTS) throw tooComplex("or more segments", MAX_SEGMENTS, segmentCount);
    const markerAt = skipFill(bytes, offset);
    const marker = bytes[markerAt];
    if (marker === undefined) throw unreadable("JPG", "it has no end marker");
    if (marker === SOI) throw unreadable("JPG", "it contains another start marker");
    if (marker === EOI) {
      if (!frame || scanCount === 0) throw unreadable("JPG", "it has no picture data");
      kept.push(bytes.subarray(markerAt - 1, markerAt + 1));
      kept.splice(profile.at, 0, ...keepProfile(profile.parts));
      const toStripped = () => Buffer.concat(kept);
      return {
        header: toHeader(frame, { orientation, scanCount, isInterleaved }),
        toStripped,
        toVerified: async () => toStripped(),
      };
    }
    const end = markerAt + 1 + readLength(bytes, markerAt + 1);
    const [segment, payload] = [bytes.subarray(markerAt - 1, end), bytes.subarray(markerAt + 3, end)];
    offset = end;
    if (marker === SOS) {
      scanCount += 1;
      if (!frame) throw unreadable("JPG", "a scan comes before the frame header");
      if (scanCount > pictureLimits.maxScans)
        throw tooComplex("or more scans", pictureLimits.maxScans, scanCount);
      isInterleaved &&= payload[0] === frame.components.length;
      offset = findMarker(bytes, end);
      kept.push(frame.isProgressive ? segment : withFullRange(segment), bytes.subarray(end, offset));
    } else if (isTable(marker)) {
      kept.push(segment);
    } else if (marker >= FIRST_FRAME && marker <= LAST_FRAME) {
      if (frame) throw unreadable("JPG", "it has two frames");
      frame = readFrame(marker, payload);
      kept.push(segment);
    } else if (!isDispensable(marker)) {
      throw unreadable("JPG", `marker ${marker.toString(16)} is not known`);
    } else if (scanCount === 0) {
      // Decoders ignore these segments after the first scan header.
      if (marker === APP2 && isProfilePart(payload)) {
        if (profile.parts.length === 0) profile.at = kept.length;
        profile.parts.push({ segment, payload });
      } else if (marker === APP0 && startsWith(payload, jfif) && payload.length >= JFIF_BYTES) {
        kept.push(withoutThumbnail(segment));
      } else if (marker === APP14 && startsWith(payload, adobe) && payload.length >= ADOBE_BYTES) {
        kept.push(cut(segment, ADOBE_BYTES));
      } else if (marker === APP1 && startsWith(payload, exif) && orientation === 1) {
        orientation = readOrientation(payload.subarray(exif.length));
      }
    }
  }
}

/** Adds EXIF data that contains only the orientation. */
export function withJpegOrientation(bytes: Buffer, orientation: number): Buffer {
  const segment = createSegment(APP1, Buffer.concat([exif, writeOrientation(orientation)]));
  return Buffer.concat([bytes.subarray(0, 2), segment, bytes.subarray(2)]);
}

interface JpegScans {
  orientation: number;
  scanCount: number;
  /** True when each scan has all components. */
  isInterleaved: boolean;
}

function toHeader(frame: JpegFrame, { orientation, scanCount, isInterleaved }: JpegScans): ImageHeader {
  const { widthPx: width, heightPx: height, isProgressive, components } = frame;
  return {
    format: "jpeg",
    width,
    height,
    frameCount: 1,
    framePixels: width * height,
    orientation,
    pixelBytes: components.length,
    heldPixelBytes: isProgressive || scanCount > 1 || !isInterleaved ? coefficientBytes(components) : 0,
    scanCount,
  };
}

/** Memory per pixel of a decoder that reads several scans: it keeps all coefficients, of two bytes each. */
function coefficientBytes(components: JpegFrame["components"]): number {
  const blocksOf = ({ horizontal, vertical }: JpegFrame["components"][number]) => horizontal * vertical;
  const most =
    Math.max(...components.map((c) => c.horizontal)) * Math.max(...components.map((c) => c.vertical));
  const perPixel = components.reduce((sum, component) => sum + blocksOf(component), 0) / most;
  return perPixel * 2 * COEFFICIENT_OVERHEAD;
}

function isTable(marker: number): boolean {
  return [HUFFMAN_TABLES, QUANTISATION_TABLES, RESTART_INTERVAL].includes(marker);
}

function isDispensable(marker: number): boolean {
  return (marker >= APP0 && marker <= APP15) || marker === COM || marker === DNL;
}

/** Sets the range of a sequential scan to all coefficients. Decoders warn about an empty range and read all. */
function withFullRange(scanHeader: Buffer): Buffer {
  const rangeAt = scanHeader.length - SEQUENTIAL_RANGE.length;
  if (scanHeader.subarray(rangeAt).equals(SEQUENTIAL_RANGE)) return scanHeader;
  return Buffer.concat([scanHeader.subarray(0, Math.max(0, rangeAt)), SEQUENTIAL_RANGE]);
}

function withoutThumbnail(segment: Buffer): Buffer {
  const short = cut(segment, JFIF_BYTES);
  if (short.readUInt16BE(short.length - 2) === 0) return short; // The thumbnail's width and height are 0.
  return Buffer.concat([short.subarray(0, -2), Buffer.alloc(2)]);
}

/** Shortens a segment to the first `payloadBytes` bytes of its payload. */
function cut(segment: Buffer, payloadBytes: number): Buffer {
  if (segment.length === SEGMENT_HEAD_BYTES + payloadBytes) return segment;
  return createSegment(segment[1]!, segment.subarray(SEGMENT_HEAD_BYTES, SEGMENT_HEAD_BYTES + payloadBytes));
}

function createSegment(marker: number, payload: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}

/** The position of the marker's code, after any number of fill bytes (FF). */
function skipFill(bytes: Buffer, offset: number): number {
  if (bytes[offset] !== 0xff) throw unreadable("JPG", "a segment does not end at its declared length");
  let at = offset;
  while (bytes[at] === 0xff) at += 1;
  return at;
}

function readLength(bytes: Buffer, at: number): number {
  if (at + 2 > bytes.length) throw unreadable("JPG", "it ends within a segment");
  const length = bytes.readUInt16BE(at);
  if (length < 2 || at + length > bytes.length) throw unreadable("JPG", "it ends within a segment");
  return length;
}

/** The end of the entropy-coded data that starts at `offset`: the next marker that is not a restart marker. */
function findMarker(bytes: Buffer, offset: number): number {
  for (let at = bytes.indexOf(0xff, offset); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === 0x00 && at > offset && bytes[at - 1] === 0xff) {
      throw unreadable("JPG", "its picture data contains fill bytes"); // Decoders interpret them differently.
    }
    const isData = code === 0x00 || code === 0xff || (code !== undefined && code >= 0xd0 && code <= 0xd7);
    if (code !== undefined && !isData) return at;
  }
  throw unreadable("JPG", "it ends within its picture data");
}

function startsWith(payload: Buffer, signature: Buffer): boolean {
  return payload.subarray(0, signature.length).equals(signature);
}
