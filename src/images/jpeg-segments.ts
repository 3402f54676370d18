// Copies a JPEG without its metadata, byte for byte: the picture's own segments and its colour profile stay,
// all others go, and so does whatever follows the end of the image. Source: ITU-T T.81, annex B.
import { AppError } from "../errors.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP2 = 0xe2;
const APP14 = 0xee;
const COM = 0xfe;
const DNL = 0xdc;

/** Frame headers, tables and restart interval. An unknown marker in a file is an error, not something to keep. */
const frameMarkers = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
const HUFFMAN_TABLES = 0xc4;
const ARITHMETIC_CODING = 0xcc;
const QUANTISATION_TABLES = 0xdb;
const RESTART_INTERVAL = 0xdd;
const pictureMarkers = new Set([
  SOS,
  HUFFMAN_TABLES,
  ARITHMETIC_CODING,
  QUANTISATION_TABLES,
  RESTART_INTERVAL,
  ...frameMarkers,
]);

/**
 * Each scan of a progressive JPEG goes over all pixels, be it a few bytes long: 130 KB can keep a decoder busy for
 * half a minute, within which no time-out of ours comes through. Encoders make about ten.
 */
const MAX_SCANS = 100;

const jfif = Buffer.from("JFIF\0");
const iccProfile = Buffer.from("ICC_PROFILE\0");
const adobe = Buffer.from("Adobe");

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
  let scanCount = 0;
  let offset = 2;
  for (;;) {
    const markerAt = skipFill(bytes, offset);
    const marker = bytes[markerAt];
    if (marker === EOI) {
      kept.push(bytes.subarray(offset, markerAt + 1));
      return Buffer.concat(kept);
    }
    if (marker === undefined || marker === SOI) throw unreadable("it has no end");
    const end = markerAt + 1 + readLength(bytes, markerAt + 1);
    const payload = bytes.subarray(markerAt + 3, end);
    if (marker === SOS) {
      scanCount += 1;
      if (scanCount > MAX_SCANS) throw tooManyScans();
      const dataEnd = findMarker(bytes, end);
      kept.push(bytes.subarray(offset, dataEnd));
      offset = dataEnd;
      continue;
    }
    const segment = keepSegment(marker, bytes.subarray(offset, end), payload);
    if (segment) kept.push(segment);
    offset = end;
  }
}

/** The segment, a shorter one in its place, or nothing. */
function keepSegment(marker: number, segment: Buffer, payload: Buffer): Buffer | undefined {
  if (pictureMarkers.has(marker)) return segment;
  if (marker === APP0) return startsWith(payload, jfif) ? withoutThumbnail(segment, payload) : undefined;
  if (marker === APP2) return startsWith(payload, iccProfile) ? segment : undefined;
  if (marker === APP14)
    return startsWith(payload, adobe) ? cut(marker, segment, payload, ADOBE_BYTES) : undefined;
  const isDispensable = (marker >= APP0 && marker <= APP0 + 15) || marker === COM || marker === DNL;
  if (!isDispensable) throw unreadable(`marker ${marker.toString(16)} is not known`);
  return undefined;
}

function withoutThumbnail(segment: Buffer, payload: Buffer): Buffer {
  const short = cut(APP0, segment, payload, JFIF_BYTES);
  if (short === segment) return segment;
  short.fill(0, short.length - 2); // The thumbnail's width and height.
  return short;
}

function cut(marker: number, segment: Buffer, payload: Buffer, maxBytes: number): Buffer {
  if (payload.length < maxBytes) throw unreadable(`segment ${marker.toString(16)} is too short`);
  if (payload.length === maxBytes) return segment;
  const head = Buffer.from([0xff, marker, 0, maxBytes + 2]);
  return Buffer.concat([head, payload.subarray(0, maxBytes)]);
}

/** The position of the marker's code: a marker may be preceded by any number of fill bytes. */
function skipFill(bytes: Buffer, offset: number): number {
  if (bytes[offset] !== 0xff) throw unreadable("a segment does not end where it says");
  let at = offset;
  while (bytes[at] === 0xff) at += 1;
  return at;
}

function readLength(bytes: Buffer, at: number): number {
  if (at + 2 > bytes.length) throw unreadable("it ends within a segment");
  const length = bytes.readUInt16BE(at);
  if (length < 2 || at + length > bytes.length) throw unreadable("it ends within a segment");
  return length;
}

/** Where the entropy-coded data that starts at `offset` ends: at the next marker that is no restart. */
function findMarker(bytes: Buffer, offset: number): number {
  for (let at = bytes.indexOf(0xff, offset); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    const isData = code === 0x00 || code === 0xff || (code !== undefined && code >= 0xd0 && code <= 0xd7);
    if (code !== undefined && !isData) return at;
  }
  throw unreadable("it ends within its picture data");
}

function startsWith(payload: Buffer, signature: Buffer): boolean {
  return payload.subarray(0, signature.length).equals(signature);
}

function tooManyScans(): AppError {
  return new AppError("IMAGE_TOO_COMPLEX", `The image has more than ${MAX_SCANS} scans.`, {
    limit: MAX_SCANS,
  });
}

function unreadable(why: string): AppError {
  return new AppError("UNREADABLE_IMAGE", "The file is not a complete JPG image.", { cause: new Error(why) });
}
