// Copies a JPEG without its metadata, byte for byte: the picture's own segments and its colour profile stay,
// all others go, and so does whatever follows the end of the image. Source: ITU-T T.81, annex B.
import { isProfilePart, keepProfile, type ProfilePart } from "./jpeg-profile.ts";
import { JpegScans } from "./jpeg-scans.ts";
import { isTableSegment, JpegTables } from "./jpeg-tables.ts";
import { tooComplex } from "./too-complex.ts";
import { unreadable } from "./unreadable.ts";

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

const nothing = Buffer.alloc(0);

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
  const profile: { at: number; parts: ProfilePart[] } = { at: 1, parts: [] };
  let scanCount = 0;
  for (let offset = 2; ;) {
    const markerAt = skipFill(bytes, offset);
    const marker = bytes[markerAt];
    if (marker === EOI) {
      scans.assertComplete();
      tables.dropUnused(kept);
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
      offset = findMarker(bytes, end);
      kept.push(...scans.keepScan(segment, bytes.subarray(end, offset)));
    } else if (isTableSegment(marker)) {
      tables.define(kept.length, marker, payload);
      kept.push(segment);
    } else if (marker === APP2 && isProfilePart(payload)) {
      if (profile.parts.length === 0) profile.at = kept.length;
      profile.parts.push({ segment, payload });
    } else {
      kept.push(keepSegment(marker, segment, payload, scans));
    }
  }
}

/** The segment, a shorter one in its place, or nothing. */
function keepSegment(marker: number, segment: Buffer, payload: Buffer, scans: JpegScans): Buffer {
  switch (marker) {
    case RESTART_INTERVAL:
      scans.defineRestartInterval(payload);
      return segment;
    case APP0: // Behind the frame's header they mean nothing any more.
      return !scans.hasFrame && startsWith(payload, jfif) ? withoutThumbnail(segment, payload) : nothing;
    case APP14:
      return !scans.hasFrame && startsWith(payload, adobe)
        ? cut(marker, segment, payload, ADOBE_BYTES)
        : nothing;
  }
  if (marker >= FIRST_FRAME && marker <= LAST_FRAME) {
    scans.defineFrame(marker, payload);
    return segment;
  }
  const isDispensable = (marker >= APP0 && marker <= APP0 + 15) || marker === COM || marker === DNL;
  if (!isDispensable) throw unreadable("JPG", `marker ${marker.toString(16)} is not known`);
  return nothing;
}

function withoutThumbnail(segment: Buffer, payload: Buffer): Buffer {
  const short = cut(APP0, segment, payload, JFIF_BYTES);
  if (short === segment || short === nothing) return short;
  short.fill(0, short.length - 2); // The thumbnail's width and height.
  return short;
}

/** A segment that is too short says nothing to a decoder. */
function cut(marker: number, segment: Buffer, payload: Buffer, maxBytes: number): Buffer {
  if (payload.length < maxBytes) return nothing;
  if (payload.length === maxBytes) return segment;
  const head = Buffer.from([0xff, marker, 0, maxBytes + 2]);
  return Buffer.concat([head, payload.subarray(0, maxBytes)]);
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
    const isData = code === 0x00 || code === 0xff || (code !== undefined && code >= 0xd0 && code <= 0xd7);
    if (code !== undefined && !isData) return at;
  }
  throw unreadable("JPG", "it ends within its picture data");
}

function startsWith(payload: Buffer, signature: Buffer): boolean {
  return payload.subarray(0, signature.length).equals(signature);
}
