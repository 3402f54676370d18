// Splits a JPEG into segments and keeps those of the image and its colour profile. Drops all others, and bytes between
// segments and after the end of the image. Source: ITU-T T.81, annex B.
import { pictureLimits } from "../../domain/picture-format.ts";
import { readOrientation, UPRIGHT } from "../exif.ts";
import type { ImageHeader, ParsedImage } from "../image-header.ts";
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";
import { keepApplication, withKnownTransform } from "./application.ts";
import { coefficientBytes, readFrame, type JpegFrame } from "./frame.ts";
import {
  APP1,
  APP2,
  COM,
  DNL,
  endMarker,
  EOI,
  FIRST_FRAME,
  HUFFMAN_TABLES,
  isApplication,
  isRestart,
  LAST_FRAME,
  QUANTISATION_TABLES,
  RESTART_INTERVAL,
  SOI,
  SOS,
  startMarker,
  startsWith,
  TEM,
} from "./markers.ts";
import { isProfilePart, keepProfile, type ProfilePart } from "./profile.ts";
import { rebuildJpeg } from "./rebuild.ts";

/** Few files have a hundred segments. A file with 100 scans has up to a thousand. */
const MAX_SEGMENTS = 2_000;

const exif = Buffer.from("Exif\0\0");

/** Measured: the memory that a decoder takes, as a multiple of the coefficients that it keeps. */
const COEFFICIENT_OVERHEAD = 1.1;

/** A scan header without its components. */
const SCAN_HEAD_BYTES = 4;

/** The end of a scan header: all coefficients (0 to 63), at full precision. */
const SEQUENTIAL_RANGE = Buffer.from([0, 63, 0]);

/**
 * Drops EXIF, XMP, IPTC, comments and embedded thumbnails. `toVerified` rewrites a file that
 * lacks its end marker or has fill bytes in its data, and so checks that data. In all other files, the decoder reports
 * data that ends early.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its picture data, is not made of segments, or cannot be shown
 * @throws IMAGE_TOO_COMPLEX when it has more scans or segments than any encoder makes
 */
export function parseJpeg(bytes: Buffer): ParsedImage {
  const kept: Buffer[] = [startMarker];
  const profile: { at: number; parts: ProfilePart[] } = { at: 1, parts: [] };
  let frame: JpegFrame | null = null;
  let orientation = UPRIGHT;
  let scanCount = 0;
  let isInterleaved = true;
  /** False when the file has to be rewritten. */
  let isSound = true;
  let segmentCount = 0;
  for (let offset = startMarker.length; ;) {
    segmentCount += 1;
    if (segmentCount > MAX_SEGMENTS) throw tooComplex("or more segments", MAX_SEGMENTS, segmentCount);
    const markerAt = findCode(bytes, offset);
    const marker = bytes[markerAt];
    if (marker === SOI) throw unreadable("JPG", "it contains another start marker");
    if (marker === EOI || marker === undefined) {
      if (!frame || scanCount === 0) throw unreadable("JPG", "it has no picture data");
      isSound &&= marker === EOI;
      kept.push(endMarker);
      kept.splice(profile.at, 0, ...keepProfile(profile.parts));
      const componentCount = frame.components.length;
      const toStripped = () => Buffer.concat(kept.map((part) => withKnownTransform(part, componentCount)));
      const isCutOff = marker === undefined;
      return {
        header: toHeader(frame, { orientation, scanCount, isInterleaved, isSound }),
        toStripped,
        toVerified: async () => (isSound ? null : rebuildJpeg(toStripped(), UPRIGHT, isCutOff)),
        toRepaired: async () => rebuildJpeg(toStripped(), UPRIGHT),
      };
    }
    if (isParameterless(marker)) {
      offset = markerAt + 1;
      continue;
    }
    offset = markerAt + 1 + readLength(bytes, markerAt + 1);
    const [segment, payload] = [bytes.subarray(markerAt - 1, offset), bytes.subarray(markerAt + 3, offset)];
    if (marker === SOS) {
      scanCount += 1;
      if (!frame) throw unreadable("JPG", "a scan comes before the frame header");
      const componentCount = payload[0] ?? 0;
      if (componentCount === 0 || payload.length < SCAN_HEAD_BYTES + 2 * componentCount)
        throw unreadable("JPG", "a scan header is incomplete");
      if (scanCount > pictureLimits.maxScans)
        throw tooComplex("or more scans", pictureLimits.maxScans, scanCount);
      isInterleaved &&= componentCount === frame.components.length;
      const data = readData(bytes, offset);
      offset += data.bytes.length;
      isSound &&= data.isSound;
      kept.push(frame.isProgressive ? segment : withFullRange(segment), data.bytes);
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
      } else if (marker === APP1 && startsWith(payload, exif) && orientation === UPRIGHT) {
        orientation = readOrientation(payload.subarray(exif.length));
      } else {
        const application = keepApplication(marker, segment);
        if (application) kept.push(application);
      }
    }
  }
}

interface JpegScans {
  orientation: number;
  scanCount: number;
  /** True when each scan has all components. */
  isInterleaved: boolean;
  /** False when the file has to be rewritten. */
  isSound: boolean;
}

function toHeader(
  frame: JpegFrame,
  { orientation, scanCount, isInterleaved, isSound }: JpegScans,
): ImageHeader {
  const { widthPx: width, heightPx: height, isProgressive, components } = frame;
  const isHeld = isProgressive || scanCount > 1 || !isInterleaved || !isSound;
  const { all, largest } = coefficientBytes(components);
  const heldPixelBytes = isHeld ? all * COEFFICIENT_OVERHEAD : 0;
  return {
    format: "jpeg",
    width,
    height,
    frameCount: 1,
    framePixels: width * height,
    orientation,
    pixelBytes: components.length,
    heldPixelBytes,
    turningPixelBytes: all + largest, // Only one component at a time is in memory twice.
    scanCount,
  };
}

function isTable(marker: number): boolean {
  return [HUFFMAN_TABLES, QUANTISATION_TABLES, RESTART_INTERVAL].includes(marker);
}

function isParameterless(marker: number): boolean {
  return marker === TEM || isRestart(marker);
}

function isDispensable(marker: number): boolean {
  return isApplication(marker) || marker === COM || marker === DNL;
}

/** Sets the range of a sequential scan to all coefficients. Decoders warn about an empty range and read all. */
function withFullRange(scanHeader: Buffer): Buffer {
  const rangeAt = scanHeader.length - SEQUENTIAL_RANGE.length;
  if (scanHeader.subarray(rangeAt).equals(SEQUENTIAL_RANGE)) return scanHeader;
  return Buffer.concat([scanHeader.subarray(0, Math.max(0, rangeAt)), SEQUENTIAL_RANGE]);
}

/** The position of the next marker's code, after bytes that belong to no segment. */
function findCode(bytes: Buffer, offset: number): number {
  for (let at = bytes.indexOf(0xff, offset); at !== -1; at = bytes.indexOf(0xff, at)) {
    while (bytes[at] === 0xff) at += 1;
    if (bytes[at] !== 0x00) return at;
  }
  return bytes.length;
}

function readLength(bytes: Buffer, at: number): number {
  if (at + 2 > bytes.length) throw unreadable("JPG", "it ends within a segment");
  const length = bytes.readUInt16BE(at);
  if (length < 2 || at + length > bytes.length) throw unreadable("JPG", "it ends within a segment");
  return length;
}

/** Entropy-coded data up to the next marker that is not a restart marker. Not sound when decoders may disagree. */
function readData(bytes: Buffer, offset: number): { bytes: Buffer; isSound: boolean } {
  let isSound = true;
  for (let at = bytes.indexOf(0xff, offset); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === 0x00 && at > offset && bytes[at - 1] === 0xff) isSound = false; // Fill bytes within data.
    const isData = code === 0x00 || code === 0xff || isRestart(code);
    if (code !== undefined && !isData) return { bytes: bytes.subarray(offset, at), isSound };
  }
  return { bytes: bytes.subarray(offset), isSound: false };
}
