// Decodes the coefficients of one block. Source: ITU-T T.81, annexes F.2 and G.2.
import { unreadable } from "../unreadable.ts";
import type { BitReader, HuffmanTable } from "./bit-reader.ts";
import { BLOCK, zigzag } from "./layout.ts";
import type { ScanComponent } from "./scan-reader.ts";

/** The range of coefficients that a scan contains, and which of their bits. */
export interface Band {
  start: number;
  end: number;
  isProgressive: boolean;
  /** True when the scan adds one bit to coefficients of earlier scans. */
  isRefinement: boolean;
  lowBit: number;
  /** Number of the next blocks that have no new coefficients in this band. */
  zeroBlocks: number;
}

/** Receives the coefficients of padding blocks, which lie outside of the picture. */
const discarded = new Int16Array(BLOCK);

/** The run length of a symbol for 16 zeros. Symbols with a shorter run and no value stand for runs of empty blocks. */
const LONGEST_RUN = 15;

/** @param at index of the block's first coefficient; -1 for a block that only fills up a unit */
export function decodeBlock(reader: BitReader, scanned: ScanComponent, band: Band, at: number): void {
  const coefficients = at === -1 ? discarded.fill(0) : scanned.component.coefficients;
  const from = Math.max(0, at);
  if (band.start === 0) decodeDc(reader, scanned, band, coefficients, from);
  if (band.end === 0) return;
  const table = scanned.ac;
  if (!table) throw unreadable("JPG", "a scan lacks a Huffman table");
  if (!band.isRefinement) decodeAc(reader, table, band, coefficients, from);
  else if (band.zeroBlocks > 0 && scanned.scanner.isFlat(from)) band.zeroBlocks -= 1;
  else refineAc(reader, table, band, coefficients, from);
}

function decodeDc(
  reader: BitReader,
  scanned: ScanComponent,
  { isRefinement, lowBit }: Band,
  coefficients: Int16Array,
  from: number,
): void {
  if (isRefinement) {
    coefficients[from]! |= reader.read(1) << lowBit;
    return;
  }
  if (!scanned.dc) throw unreadable("JPG", "a scan lacks a Huffman table");
  scanned.predicted += reader.readSigned(reader.readSymbol(scanned.dc) & 0x0f);
  coefficients[from] = scanned.predicted << lowBit;
}

function decodeAc(
  reader: BitReader,
  table: HuffmanTable,
  band: Band,
  coefficients: Int16Array,
  from: number,
): void {
  if (band.zeroBlocks > 0) {
    band.zeroBlocks -= 1;
    return;
  }
  for (let k = Math.max(1, band.start); k <= band.end; k++) {
    const symbol = reader.readSymbol(table);
    const [run, bitCount] = [symbol >> 4, symbol & 0x0f];
    k += run;
    if (bitCount === 0) {
      if (run === LONGEST_RUN) continue;
      band.zeroBlocks = band.isProgressive ? (1 << run) + reader.read(run) - 1 : 0;
      return;
    }
    if (k > band.end) throw unreadable("JPG", "a block has too many coefficients");
    coefficients[from + zigzag[k]!] = reader.readSigned(bitCount) << band.lowBit;
  }
}

/** Adds one bit to each coefficient that is not zero, and sets the coefficients that become non-zero in this scan. */
function refineAc(
  reader: BitReader,
  table: HuffmanTable,
  band: Band,
  coefficients: Int16Array,
  from: number,
): void {
  const bit = 1 << band.lowBit;
  const refine = (at: number) => {
    const value = coefficients[at]!;
    if (reader.read(1) === 1 && (value & bit) === 0) coefficients[at] = value + (value > 0 ? bit : -bit);
  };
  let k = Math.max(1, band.start);
  while (band.zeroBlocks === 0 && k <= band.end) {
    const symbol = reader.readSymbol(table);
    let run = symbol >> 4;
    let added = 0;
    if ((symbol & 0x0f) > 0) added = reader.read(1) === 1 ? bit : -bit;
    else if (run < LONGEST_RUN) {
      band.zeroBlocks = (1 << run) + reader.read(run);
      break;
    }
    for (; k <= band.end; k++) {
      const at = from + zigzag[k]!;
      if (coefficients[at] !== 0) refine(at);
      else if (run-- === 0) {
        if (added !== 0) coefficients[at] = added;
        k += 1;
        break;
      }
    }
  }
  if (band.zeroBlocks === 0) return;
  for (; k <= band.end; k++) {
    const at = from + zigzag[k]!;
    if (coefficients[at] !== 0) refine(at);
  }
  band.zeroBlocks -= 1;
}
