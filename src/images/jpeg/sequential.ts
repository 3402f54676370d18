// Walks the data of a sequential scan, baseline or extended: each block has its 64 coefficients one after the other.
// Called by `jpeg/scans.ts`. Source: ITU-T T.81, annex F.2.
import type { SkipUnits } from "./entropy.ts";
import { lookUp, type HuffmanTable } from "./huffman.ts";

const BLOCK_COEFFICIENTS = 64;

const ADVANCE_BITS = 8;
const ADVANCE_MASK = 0xff;

/** An entry holds the bits that a code and the number behind it take, and how many coefficients it settles. */
export function dcEntry(codeBits: number, symbol: number): number {
  return (1 << ADVANCE_BITS) | (codeBits + (symbol & 0x1f));
}

/** As `dcEntry`: a symbol is a run of zeros and the bits of the number behind it. */
export function acEntry(codeBits: number, symbol: number): number {
  const [zeroRun, numberBits] = [symbol >> 4, symbol & 0x0f];
  if (numberBits > 0) return ((zeroRun + 1) << ADVANCE_BITS) | (codeBits + numberBits);
  return ((zeroRun === 15 ? 16 : BLOCK_COEFFICIENTS) << ADVANCE_BITS) | codeBits;
}

/** @param tables the two of each block of a unit, one after the other, made of `dcEntry` and `acEntry` */
export function sequentialUnits(tables: readonly HuffmanTable[]): SkipUnits {
  return (bytes, endBit, _firstUnit, unitCount) => {
    let bit = 0;
    for (let unit = 0; unit < unitCount; unit++) {
      for (let block = 0; block < tables.length; block += 2) {
        bit = skipBlock(bytes, bit, tables[block]!, tables[block + 1]!);
        if (bit < 0 || bit > endBit) return -1;
      }
    }
    return bit;
  };
}

/** The bit behind the block that begins at `bit`; negative when it holds a code that its tables do not have. */
function skipBlock(bytes: Uint8Array, bit: number, dcTable: HuffmanTable, acTable: HuffmanTable): number {
  const dc = lookUp(dcTable, bytes, bit);
  if (dc === 0) return -1;
  bit += dc & ADVANCE_MASK;
  for (let coefficient = 1; coefficient < BLOCK_COEFFICIENTS;) {
    const ac = lookUp(acTable, bytes, bit);
    if (ac === 0) return -1;
    bit += ac & ADVANCE_MASK;
    coefficient += ac >> ADVANCE_BITS;
  }
  return bit;
}
