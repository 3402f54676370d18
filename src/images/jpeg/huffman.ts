// The Huffman tables of a JPEG, made ready to be looked up. Called by `jpeg/scans.ts`; used by the two files that
// walk entropy-coded data. Source: ITU-T T.81, annexes C and F.2.2.

/**
 * Looked up by what comes next: by 10 bits, which nearly always do and stay in the processor's cache, and by 16. What
 * an entry says is its maker's affair; zero is no code, or one that is longer.
 */
export interface HuffmanTable {
  short: Uint16Array;
  long: Uint16Array;
}

const LENGTH_COUNTS = 16;
const MAX_CODE_BITS = 16;
const SHORT_BITS = 10;
const TAIL_BITS = MAX_CODE_BITS - SHORT_BITS;

/**
 * @param definition how many codes there are of 1, 2, … 16 bits, and their symbols, shortest first
 * @param entryOf what to find for a code of `codeBits` bits that stands for `symbol`: 1 to 65,535
 * @returns null when the codes do not fit into their bits
 */
export function createHuffmanTable(
  definition: Uint8Array,
  entryOf: (codeBits: number, symbol: number) => number,
): HuffmanTable | null {
  const short = new Uint16Array(1 << SHORT_BITS);
  const long = new Uint16Array(1 << MAX_CODE_BITS);
  let next = 0; // Of the 16-bit words, the first that no shorter code begins.
  let symbolAt = LENGTH_COUNTS;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    for (let count = definition[length - 1]!; count > 0; count--) {
      const end = next + (1 << (MAX_CODE_BITS - length));
      if (end > long.length) return null;
      const entry = entryOf(length, definition[symbolAt++]!);
      if (length <= SHORT_BITS) short.fill(entry, next >> TAIL_BITS, end >> TAIL_BITS);
      long.fill(entry, next, end);
      next = end;
    }
  }
  return { short, long };
}

/** The entry of the code that begins at `bit`; zero when the table has none. */
export function lookUp({ short, long }: HuffmanTable, bytes: Uint8Array, bit: number): number {
  const word = read16Bits(bytes, bit);
  return short[word >> TAIL_BITS]! || long[word]!;
}

export function read16Bits(bytes: Uint8Array, bit: number): number {
  const at = bit >> 3;
  return (((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!) >> (8 - (bit & 7))) & 0xffff;
}
