// Walks the data of a progressive scan. Such a picture comes as a dozen scans: each brings some of the coefficients of
// all blocks, first their high bits, later one bit more. Called by `jpeg/scans.ts`. Source: ITU-T T.81, annex G.
import type { SkipUnits } from "./entropy.ts";
import { lookUp, read16Bits, type HuffmanTable } from "./huffman.ts";
import { unreadable } from "../unreadable.ts";

/** What the end of a scan's header says. */
export interface ScanRange {
  /** Coefficients, 0 to 63. */
  first: number;
  last: number;
  /** How many low bits the scan before this one left out; zero when there was none. */
  previousLowBits: number;
  /** How many low bits this one leaves out. */
  lowBits: number;
}

const BLOCK_COEFFICIENTS = 64;
const MAX_LOW_BITS = 13;
/** With the bits left out. A larger one would not fit into the 16 bits that decoders have for it. */
const MAX_NUMBER_BITS = 15;

/** The run of zeros that is one; any other run without a number ends the band, in this block and in more. */
const ZEROS_16 = 15;

/** An entry is the code's length and its symbol: a run of zeros and the bits of the number behind it. */
export function bandEntry(codeBits: number, symbol: number): number {
  return (symbol << 8) | codeBits;
}

/** What scans have brought of one component so far. */
export class ComponentProgress {
  /** Of each coefficient: how many low bits are missing; null before its first scan. */
  readonly #missingBits = Array.from({ length: BLOCK_COEFFICIENTS }, (): number | null => null);
  readonly #nonZero: NonZeroCoefficients;

  constructor(blockCount: number) {
    this.#nonZero = new NonZeroCoefficients(blockCount);
  }

  get isComplete(): boolean {
    return this.#missingBits.every((bits) => bits === 0);
  }

  /** @throws UNREADABLE_IMAGE for a scan that repeats another, or whose turn has not come */
  beginScan({ first, last, previousLowBits, lowBits }: ScanRange): void {
    const isRange = first === 0 ? last === 0 : first <= last && last < BLOCK_COEFFICIENTS;
    const isFirstScan = previousLowBits === 0;
    const isStep = lowBits <= MAX_LOW_BITS && (isFirstScan || lowBits === previousLowBits - 1);
    const isBehindDc = first === 0 || this.#missingBits[0] !== null;
    if (!isRange || !isStep || !isBehindDc) throw unreadable("JPG", "a scan header is wrong");
    for (let coefficient = first; coefficient <= last; coefficient++) {
      const missingBits = isFirstScan ? null : previousLowBits;
      if (this.#missingBits[coefficient] !== missingBits) throw unreadable("JPG", "a scan is out of turn");
      this.#missingBits[coefficient] = lowBits;
    }
  }

  /** The codes of a scan of this component alone, of coefficients above the first. */
  bandUnits({ first, last, previousLowBits, lowBits }: ScanRange, table: HuffmanTable): SkipUnits {
    return previousLowBits === 0
      ? newBand(first, last, MAX_NUMBER_BITS - lowBits, table, this.#nonZero)
      : refinedBand(first, last, table, this.#nonZero);
  }
}

/** The first coefficient of each block, for the first time. @param tables one for each block of a unit */
export function newDcUnits(tables: readonly HuffmanTable[]): SkipUnits {
  return (bytes, endBit, _firstUnit, unitCount) => {
    let bit = 0;
    for (let unit = 0; unit < unitCount; unit++) {
      for (const table of tables) {
        const entry = lookUp(table, bytes, bit);
        bit += entry & 0xff;
        if (entry === 0 || bit > endBit) return -1;
      }
    }
    return bit;
  };
}

/** One bit more of the first coefficient of each block. */
export function refinedDcUnits(blocksPerUnit: number): SkipUnits {
  return (_bytes, endBit, _firstUnit, unitCount) => {
    const bits = unitCount * blocksPerUnit;
    return bits > endBit ? -1 : bits;
  };
}

function newBand(
  first: number,
  last: number,
  maxNumberBits: number,
  table: HuffmanTable,
  nonZero: NonZeroCoefficients,
): SkipUnits {
  return (bytes, endBit, firstUnit, unitCount) => {
    let bit = 0;
    for (let block = firstUnit; block < firstUnit + unitCount; block++) {
      for (let coefficient = first; coefficient <= last; coefficient++) {
        const entry = lookUp(table, bytes, bit);
        if (entry === 0) return -1;
        bit += entry & 0xff;
        const zeroRun = entry >> 12;
        const numberBits = (entry >> 8) & 0x0f;
        if (numberBits === 0 && zeroRun !== ZEROS_16) {
          block += bandEnds(bytes, bit, zeroRun) - 1;
          bit += zeroRun;
          break;
        }
        coefficient += zeroRun;
        bit += numberBits;
        if (coefficient > last || numberBits > maxNumberBits) return -1;
        if (numberBits > 0) nonZero.add(block, coefficient);
      }
      if (bit > endBit) return -1;
    }
    return bit;
  };
}

/** One bit more of each coefficient that is not zero stands among the codes of those that cease to be zero. */
function refinedBand(
  first: number,
  last: number,
  table: HuffmanTable,
  nonZero: NonZeroCoefficients,
): SkipUnits {
  return (bytes, endBit, firstUnit, unitCount) => {
    let bit = 0;
    let endedBlocks = 0;
    for (let block = firstUnit; block < firstUnit + unitCount; block++) {
      let coefficient = first;
      for (; endedBlocks === 0 && coefficient <= last; coefficient++) {
        const entry = lookUp(table, bytes, bit);
        const zeroRun = entry >> 12;
        const numberBits = (entry >> 8) & 0x0f;
        if (entry === 0 || numberBits > 1) return -1;
        bit += (entry & 0xff) + numberBits;
        if (numberBits === 0 && zeroRun !== ZEROS_16) {
          endedBlocks = bandEnds(bytes, bit, zeroRun);
          bit += zeroRun;
          break;
        }
        for (let zeros = zeroRun; coefficient <= last; coefficient++) {
          if (nonZero.has(block, coefficient)) bit += 1;
          else if (zeros-- === 0) break;
        }
        if (numberBits === 0) continue;
        if (coefficient > last) return -1;
        nonZero.add(block, coefficient);
      }
      if (endedBlocks > 0) {
        bit += nonZero.count(block, coefficient, last);
        endedBlocks -= 1;
      }
      if (bit > endBit) return -1;
    }
    return bit;
  };
}

/** In how many blocks, this one among them, nothing more comes. @param bit behind the code of `run` */
function bandEnds(bytes: Uint8Array, bit: number, run: number): number {
  return (1 << run) + (read16Bits(bytes, bit) >> (16 - run));
}

/** Which coefficients of each block are not zero: a bit for each. */
class NonZeroCoefficients {
  readonly #words: Int32Array;

  constructor(blockCount: number) {
    this.#words = new Int32Array(2 * blockCount);
  }

  add(block: number, coefficient: number): void {
    this.#words[2 * block + (coefficient >> 5)]! |= 1 << (coefficient & 31);
  }

  has(block: number, coefficient: number): boolean {
    return (this.#words[2 * block + (coefficient >> 5)]! & (1 << (coefficient & 31))) !== 0;
  }

  /** From `first` to `last`. */
  count(block: number, first: number, last: number): number {
    const [low, high] = [this.#words[2 * block]!, this.#words[2 * block + 1]!];
    if (low === 0 && high === 0) return 0; // Nearly always.
    return countOnes(low & maskOf(first, last)) + countOnes(high & maskOf(first - 32, last - 32));
  }
}

/** Ones from bit `first` to bit `last` of a word, as far as it has them. */
function maskOf(first: number, last: number): number {
  if (last < 0 || first > 31) return 0;
  return (-1 << Math.max(first, 0)) & (-1 >>> (31 - Math.min(last, 31)));
}

function countOnes(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return (((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
