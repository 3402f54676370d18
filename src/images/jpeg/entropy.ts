// Finds where the entropy-coded data of a scan really ends: a decoder stops at the last unit that it needs, and so
// sees neither what is missing behind it nor what is hidden there. Called by `jpeg/scans.ts`, with a function of
// `jpeg/sequential.ts` or `jpeg/progressive.ts` that knows the codes. Source: ITU-T T.81, annex B.1.1.5.
import { unreadable } from "../unreadable.ts";

/**
 * Reads the next units of a scan, from the first bit of `bytes`.
 *
 * @returns the bit behind them; negative when they are not whole at `endBit`, or have a code that is none
 */
export type SkipUnits = (bytes: Uint8Array, endBit: number, firstUnit: number, unitCount: number) => number;

/** A block that begins within the data may be looked at beyond it: 64 codes of 16 bits, each with 15 more. */
const PADDING_BYTES = 256;

const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;

/**
 * The data of a scan without what stands behind its last unit, or behind the last unit of a restart interval.
 *
 * @param data up to the marker that follows the scan
 * @param restartInterval in units; zero when there is none
 * @throws UNREADABLE_IMAGE when units are missing
 */
export function cutScan(
  data: Buffer,
  unitCount: number,
  restartInterval: number,
  skipUnits: SkipUnits,
): Buffer {
  const scratch = new Uint8Array(data.length + PADDING_BYTES);
  const kept: Buffer[] = [];
  let keptFrom = 0;
  let unit = 0;
  for (const { start, end } of restartIntervals(data)) {
    const units = restartInterval === 0 ? unitCount : Math.min(restartInterval, unitCount - unit);
    const coded = data.subarray(start, end);
    const byteLength = unstuff(coded, scratch);
    const endBit = skipUnits(scratch, byteLength * 8, unit, units);
    if (endBit < 0) throw unreadable("JPG", "it ends within its picture data");
    const codedEnd = start + stuffedLength(coded, byteLength, Math.ceil(endBit / 8));
    unit += units;
    if (codedEnd < end || unit === unitCount) {
      kept.push(data.subarray(keptFrom, codedEnd));
      keptFrom = end;
    }
    if (unit === unitCount) return kept.length === 1 ? kept[0]! : Buffer.concat(kept);
  }
  throw unreadable("JPG", "restart intervals are missing");
}

/** What stands between restart markers. */
function* restartIntervals(data: Buffer): Generator<{ start: number; end: number }> {
  let start = 0;
  for (let at = data.indexOf(0xff); at !== -1; at = data.indexOf(0xff, at + 1)) {
    const code = data[at + 1];
    if (code === undefined || code < FIRST_RESTART || code > LAST_RESTART) continue;
    yield { start, end: at };
    start = at + 2;
  }
  yield { start, end: data.length };
}

/** Entropy-coded data has a zero behind each 0xff, so that no marker seems to stand in it. */
function unstuff(data: Buffer, into: Uint8Array): number {
  let length = 0;
  for (let start = 0; start < data.length;) {
    const stuffed = data.indexOf(0xff, start);
    const end = stuffed === -1 ? data.length : stuffed + 1;
    into.set(data.subarray(start, end), length);
    length += end - start;
    start = end + 1;
  }
  return length;
}

/** How long the first `byteLength` of `allBytes` bytes are where each 0xff has a zero behind it. */
function stuffedLength(data: Buffer, allBytes: number, byteLength: number): number {
  if (byteLength === allBytes) return data.length;
  let at = 0;
  for (let read = 0; read < byteLength; read++) at += data[at] === 0xff ? 2 : 1;
  return at;
}
