// The markers of a JPEG, and the segments that they start. Source: ITU-T T.81, annex B.1.1.

export const TEM = 0x01;
export const FIRST_FRAME = 0xc0;
export const PROGRESSIVE_FRAME = 0xc2;
export const HUFFMAN_TABLES = 0xc4;
export const LAST_FRAME = 0xcf;
export const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;
export const QUANTISATION_TABLES = 0xdb;
export const DNL = 0xdc;
export const RESTART_INTERVAL = 0xdd;
export const APP0 = 0xe0;
export const APP1 = 0xe1;
export const APP2 = 0xe2;
export const APP14 = 0xee;
export const APP15 = 0xef;
export const COM = 0xfe;

/** Marker and length. */
export const SEGMENT_HEAD_BYTES = 4;

export const startMarker = Buffer.from([0xff, SOI]);
export const endMarker = Buffer.from([0xff, EOI]);

export function isRestart(marker: number | undefined): boolean {
  return marker !== undefined && (marker & 0xf8) === 0xd0;
}

/** True for the markers of browsers' frames: baseline, extended sequential and progressive. */
export function isShowableFrame(marker: number): boolean {
  return marker >= FIRST_FRAME && marker <= PROGRESSIVE_FRAME;
}

export function isApplication(marker: number): boolean {
  return marker >= APP0 && marker <= APP15;
}

export function startsWith(payload: Buffer, signature: Buffer): boolean {
  return payload.subarray(0, signature.length).equals(signature);
}

export interface Segment {
  marker: number;
  payload: Buffer;
  /** Marker, length and payload. */
  bytes: Buffer;
  /** Position after the segment. */
  end: number;
}

/** Reads the segment at a position of a JPEG that `parseJpeg` has stripped. */
export function readSegment(stripped: Buffer, at: number): Segment {
  const end = at + 2 + stripped.readUInt16BE(at + 2);
  return {
    marker: stripped[at + 1]!,
    payload: stripped.subarray(at + SEGMENT_HEAD_BYTES, end),
    bytes: stripped.subarray(at, end),
    end,
  };
}

/** Reads the segments before the first scan of a JPEG that `parseJpeg` has stripped. */
export function* segmentsBeforeScans(stripped: Buffer): Generator<Segment> {
  for (let at = startMarker.length; stripped[at + 1] !== SOS;) {
    const segment = readSegment(stripped, at);
    yield segment;
    at = segment.end;
  }
}
