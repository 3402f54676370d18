// The segments that say what the components of a JPEG mean, in a form that all decoders accept.
// Source: JFIF 1.02; Adobe Technical Note 5116, section 18.
import { APP0, APP14, SEGMENT_HEAD_BYTES, startsWith } from "./markers.ts";

const jfif = Buffer.from("JFIF\0");
const adobe = Buffer.from("Adobe");

/** A JFIF segment without a thumbnail: signature, version, density, and a thumbnail size of 0 × 0 pixels. */
const JFIF_BYTES = 14;

const JFIF_VERSION_AT = SEGMENT_HEAD_BYTES + jfif.length;
const JFIF_VERSION = 1;

/** Signature, version, two flags and the colour transform, without which a CMYK image has wrong colours. */
const ADOBE_BYTES = 12;
const NO_TRANSFORM = 0;
const YCBCR = 1;
const YCCK = 2;

/**
 * Returns a JFIF or Adobe segment without thumbnails and other data; null for all others. Sets the JFIF version to 1,
 * because decoders warn about versions that they do not know.
 */
export function keepApplication(marker: number, segment: Buffer): Buffer | null {
  const payload = segment.subarray(SEGMENT_HEAD_BYTES);
  if (marker === APP0 && startsWith(payload, jfif) && payload.length >= JFIF_BYTES) {
    const short = Buffer.from(cut(segment, JFIF_BYTES));
    short[JFIF_VERSION_AT] = JFIF_VERSION;
    return short.fill(0, short.length - 2); // Width and height of the thumbnail.
  }
  if (marker === APP14 && startsWith(payload, adobe) && payload.length >= ADOBE_BYTES)
    return cut(segment, ADOBE_BYTES);
  return null;
}

/**
 * Returns a part of a JPEG. In an Adobe segment, replaces a colour transform that does not exist for this number of
 * components with the usual one. Decoders would warn, and assume the usual one.
 */
export function withKnownTransform(part: Buffer, componentCount: number): Buffer {
  // In picture data, these two bytes never follow each other.
  const hasMarker = part[0] === 0xff && part[1] === APP14;
  const isAdobe = hasMarker && part.length === SEGMENT_HEAD_BYTES + ADOBE_BYTES;
  const usual = componentCount === 4 ? YCCK : YCBCR;
  if (!isAdobe || [NO_TRANSFORM, usual].includes(part.at(-1)!)) return part;
  return Buffer.concat([part.subarray(0, -1), Buffer.of(usual)]);
}

/** Shortens a segment to the first `payloadBytes` bytes of its payload. */
function cut(segment: Buffer, payloadBytes: number): Buffer {
  if (segment.length === SEGMENT_HEAD_BYTES + payloadBytes) return segment;
  const short = Buffer.from(segment.subarray(0, SEGMENT_HEAD_BYTES + payloadBytes));
  short.writeUInt16BE(payloadBytes + 2, 2);
  return short;
}
