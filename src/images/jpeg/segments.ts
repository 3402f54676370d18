// Copies a JPEG without its metadata, byte for byte: the picture's own segments and its colour profile stay,
// all others go, and so does whatever follows the end of the image. Source: ITU-T T.81, annex B.
import { isProfilePart, keepProfile, type ProfilePart } from "./profile.ts";
import { JpegScans } from "./scans.ts";
import { standardHuffmanTables } from "./standard-tables.ts";
import { createSegment, HUFFMAN_TABLES, isTableSegment, JpegTables } from "./tables.ts";
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP2 = 0xe2;
const APP14 = 0xee;
const COM = 0xfe;
const DNL = 0xdc;

const RESTART_INTERVAL = 0xdd;
const FIRST_FRAME = 0xc0;
const LAST_FRAME = 0xcf;

/**
 * Each scan of a progressive JPEG goes over all pixels, be it a few bytes long: 130 KB can keep a decoder busy for
 * half a minute, within which no time-out of ours comes through. Encoders make about ten.
 */
const MAX_SCANS = 100;

const jfif = Buffer.from("JFIF\0");
const adobe = Buffer.from("Adobe");

/** Marker and length. */
const SEGMENT_HEAD_BYTES = 4;

/** What a JFIF segment says beside its thumbnail: version, density, and a thumbnail of 0 × 0 pixels. */
const JFIF_BYTES = 14;

/** Version, two flags and the colour transform, without which a CMYK picture shows wrong colours. */
const ADOBE_BYTES = 12;

/**
 * The same picture without EXIF, XMP, IPTC, comments, embedded thumbnails and trailing bytes.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its end marker or is not made of segments
 * @throws IMAGE_TOO_COMPLEX when it has more scans than any encoder makes
 */
export function stripJpeg(bytes: Buffer): Buffer {
  const kept: Buffer[] = [bytes.subarray(0, 2)];
  const tables = new JpegTables();
  const scans = new JpegScans(tables);
  const heeded = new HeededSegments(kept);
  const profile: { at: number; parts: ProfilePart[] } = { at: 1, parts: [] };
  let scanCount = 0;
  for (let offset = 2; ;) {
    const markerAt = skipFill(bytes, offset);
    const marker = bytes[markerAt];
    if (marker === EOI) {
      scans.assertComplete();
      tables.dropUnused(kept);
      heeded.drop(RESTART_INTERVAL); // No scan comes behind it.
      kept.push(bytes.subarray(markerAt - 1, markerAt + 1));
      kept.splice(profile.at, 0, ...keepProfile(profile.parts));
      return Buffer.concat(kept);
    }
    if (marker === undefined) throw unreadable("JPG", "it has no end");
    if (marker === SOI) throw unreadable("JPG", "another picture begins within it");
    const end = markerAt + 1 + readLength(bytes, markerAt + 1);
    const [segment, payload] = [bytes.subarray(markerAt - 1, end), bytes.subarray(markerAt + 3, end)];
    offset = end;
    if (marker === SOS) {
      scanCount += 1;
      if (scanCount > MAX_SCANS) throw tooComplex("scans or more", MAX_SCANS, scanCount);
      if (!tables.hasHuffmanTables)
        keepTables(HUFFMAN_TABLES, createSegment(HUFFMAN_TABLES, standardHuffmanTables));
      heeded.use(RESTART_INTERVAL);
      offset = findMarker(bytes, end);
      kept.push(...scans.keepScan(segment, bytes.subarray(end, offset)));
    } else if (isTableSegment(marker)) {
      keepTables(marker, segment);
    } else if (marker === RESTART_INTERVAL) {
      scans.defineRestartInterval(payload);
      heeded.keep(marker, segment);
    } else if (marker >= FIRST_FRAME && marker <= LAST_FRAME) {
      scans.defineFrame(marker, payload);
      kept.push(segment);
    } else if (!isDispensable(marker)) {
      throw unreadable("JPG", `marker ${marker.toString(16)} is not known`);
    } else if (!scans.hasScan) {
      // Behind the first scan's header none of these means anything any more.
      if (marker === APP2 && isProfilePart(payload)) {
        if (profile.parts.length === 0) profile.at = kept.length;
        profile.parts.push({ segment, payload });
      } else if (marker === APP0 && startsWith(payload, jfif) && payload.length >= JFIF_BYTES) {
        heeded.keep(marker, withoutThumbnail(segment));
      } else if (marker === APP14 && startsWith(payload, adobe) && payload.length >= ADOBE_BYTES) {
        heeded.keep(marker, cut(segment, ADOBE_BYTES));
      }
    }
  }

  function keepTables(marker: number, segment: Buffer): void {
    tables.define(kept.length, marker, segment.subarray(SEGMENT_HEAD_BYTES));
    kept.push(segment);
  }
}

/** Segments of which each replaces the one before it of its kind: only the last is kept. */
class HeededSegments {
  readonly #positions = new Map<number, number>();

  constructor(readonly kept: Buffer[]) {}

  keep(marker: number, segment: Buffer): void {
    this.drop(marker);
    this.#positions.set(marker, this.kept.length);
    this.kept.push(segment);
  }

  /** A scan heeds it: it stays, whatever comes. */
  use(marker: number): void {
    this.#positions.delete(marker);
  }

  drop(marker: number): void {
    const at = this.#positions.get(marker);
    if (at !== undefined) this.kept[at] = Buffer.alloc(0);
  }
}

function isDispensable(marker: number): boolean {
  return (marker >= APP0 && marker <= APP0 + 15) || marker === COM || marker === DNL;
}

function withoutThumbnail(segment: Buffer): Buffer {
  const short = cut(segment, JFIF_BYTES);
  if (short.readUInt16BE(short.length - 2) === 0) return short; // Its width and height.
  return Buffer.concat([short.subarray(0, -2), Buffer.alloc(2)]);
}

/** The segment with the first bytes of its payload alone. */
function cut(segment: Buffer, payloadBytes: number): Buffer {
  if (segment.length === SEGMENT_HEAD_BYTES + payloadBytes) return segment;
  return createSegment(segment[1]!, segment.subarray(SEGMENT_HEAD_BYTES, SEGMENT_HEAD_BYTES + payloadBytes));
}

/** The position of the marker's code: a marker may be preceded by any number of fill bytes. */
function skipFill(bytes: Buffer, offset: number): number {
  if (bytes[offset] !== 0xff) throw unreadable("JPG", "a segment does not end where it says");
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

/** Where the entropy-coded data that starts at `offset` ends: at the next marker that is no restart. */
function findMarker(bytes: Buffer, offset: number): number {
  for (let at = bytes.indexOf(0xff, offset); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === 0x00 && at > offset && bytes[at - 1] === 0xff) {
      throw unreadable("JPG", "fill bytes stand within its picture data"); // Decoders disagree about what that is.
    }
    const isData = code === 0x00 || code === 0xff || (code !== undefined && code >= 0xd0 && code <= 0xd7);
    if (code !== undefined && !isData) return at;
  }
  throw unreadable("JPG", "it ends within its picture data");
}

function startsWith(payload: Buffer, signature: Buffer): boolean {
  return payload.subarray(0, signature.length).equals(signature);
}
