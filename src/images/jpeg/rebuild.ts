// Rewrites a JPEG from its coefficients: to set it upright, or to repair damage that loses no pixel.
import { unreadable } from "../unreadable.ts";
import { readCoefficients } from "./scan-reader.ts";
import { writeScan } from "./scan-writer.ts";
import { turnUpright } from "./turn.ts";

const APP0 = 0xe0;
const APP15 = 0xef;
const SOS = 0xda;

const start = Buffer.from([0xff, 0xd8]);
const end = Buffer.from([0xff, 0xd9]);

/**
 * Decodes all picture data and writes it as a sequential JPEG. Keeps the samples, the sampling, the quantisation and the
 * colour profile.
 *
 * @param stripped a JPEG without metadata @param orientation 1 to 8
 * @param isCutOff true when the file has no end marker: a progressive one must then have all its scans
 * @throws UNREADABLE_IMAGE when picture data is missing or not valid
 */
export function rebuildJpeg(stripped: Buffer, orientation: number, isCutOff = false): Buffer {
  const read = readCoefficients(stripped);
  const lacksScans = read.components.some(({ missingBits }) => missingBits.some((count) => count > 0));
  if (isCutOff && lacksScans) throw unreadable("JPG", "it ends before its last scan");
  const picture = turnUpright(read, orientation);
  return Buffer.concat([start, ...applicationSegments(stripped), writeScan(picture), end]);
}

/** The segments with the colour profile and with the meaning of the components. */
function applicationSegments(stripped: Buffer): Buffer[] {
  const segments: Buffer[] = [];
  for (let at = 2; stripped[at + 1] !== SOS;) {
    const marker = stripped[at + 1]!;
    const length = 2 + stripped.readUInt16BE(at + 2);
    if (marker >= APP0 && marker <= APP15) segments.push(stripped.subarray(at, at + length));
    at += length;
  }
  return segments;
}
