// Walks the entropy-coded data of a baseline JPEG, block by block, to find where it really ends: a decoder stops
// at the last row that it needs, and so sees neither what is missing behind it nor what is hidden there. Called by
// `jpeg-scans.ts`. Source: ITU-T T.81, annex F.

/** A component of the frame: its id, and its sampling factors. */
export interface JpegComponent {
  id: number;
  horizontal: number;
  vertical: number;
}

export interface JpegFrame {
  widthPx: number;
  heightPx: number;
  components: readonly JpegComponent[];
}

/**
 * A Huffman table, ready to be looked up by what comes next: by 10 bits, which nearly always do and stay in the
 * processor's cache, and by 16. An entry holds the bits that a code and the number behind it take, and how many
 * coefficients of the block it settles; zero is no code, or one that is longer.
 */
export interface HuffmanTable {
  short: Uint16Array;
  long: Uint16Array;
}

const ADVANCE_BITS = 8;
const ADVANCE_MASK = 0xff;

const BLOCK_COEFFICIENTS = 64;
const MAX_CODE_BITS = 16;
const SHORT_BITS = 10;
const TAIL_BITS = MAX_CODE_BITS - SHORT_BITS;

/** A block that begins within the data may be looked at beyond it: 64 codes of 16 bits, each with 15 more. */
const PADDING_BYTES = 256;

/** One of the scan's components, in its turn. */
export interface ScanComponent {
  component: JpegComponent;
  dcTable: HuffmanTable;
  acTable: HuffmanTable;
}

/**
 * @param lengthCounts how many codes there are of 1, 2, … 16 bits
 * @param symbols of those codes, shortest first
 * @returns null when the codes do not fit into their bits
 */
export function createHuffmanTable(
  kind: "dc" | "ac",
  lengthCounts: Uint8Array,
  symbols: Uint8Array,
): HuffmanTable | null {
  const short = new Uint16Array(1 << SHORT_BITS);
  const long = new Uint16Array(1 << MAX_CODE_BITS);
  let next = 0; // Of the 16-bit words, the first that no shorter code begins.
  let symbolIndex = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    for (let count = lengthCounts[length - 1]!; count > 0; count--) {
      const end = next + (1 << (MAX_CODE_BITS - length));
      if (end > long.length) return null;
      const entry = entryOf(kind, length, symbols[symbolIndex++]!);
      if (length <= SHORT_BITS) short.fill(entry, next >> TAIL_BITS, end >> TAIL_BITS);
      long.fill(entry, next, end);
      next = end;
    }
  }
  return { short, long };
}

function entryOf(kind: "dc" | "ac", codeBits: number, symbol: number): number {
  const numberBits = symbol & 0x0f;
  const zeroRun = symbol >> 4;
  const bits = codeBits + (kind === "dc" ? symbol & 0x1f : numberBits);
  if (kind === "dc") return (1 << ADVANCE_BITS) | bits;
  if (numberBits > 0) return ((zeroRun + 1) << ADVANCE_BITS) | bits;
  return ((zeroRun === 15 ? 16 : BLOCK_COEFFICIENTS) << ADVANCE_BITS) | bits;
}

/** The blocks of a scan: how many units, and for each block of a unit its two tables, one after the other. */
export interface ScanLayout {
  unitCount: number;
  tables: readonly HuffmanTable[];
}

/** A scan of one component leaves out the blocks that only fill up a unit; one of several does not. */
export function layOutScan(frame: JpegFrame, scan: readonly ScanComponent[]): ScanLayout {
  const { widthPx, heightPx, components } = frame;
  const maxHorizontal = Math.max(...components.map(({ horizontal }) => horizontal));
  const maxVertical = Math.max(...components.map(({ vertical }) => vertical));
  const only = scan.length === 1 ? scan[0]!.component : null;
  const unitWidthPx = only ? (8 * maxHorizontal) / only.horizontal : 8 * maxHorizontal;
  const unitHeightPx = only ? (8 * maxVertical) / only.vertical : 8 * maxVertical;
  return {
    unitCount: Math.ceil(widthPx / unitWidthPx) * Math.ceil(heightPx / unitHeightPx),
    tables: scan.flatMap(({ component, dcTable, acTable }) => {
      const blockCount = only ? 1 : component.horizontal * component.vertical;
      return Array.from({ length: blockCount }, () => [dcTable, acTable]).flat();
    }),
  };
}

/**
 * Reads `unitCount` units from entropy-coded data.
 *
 * @param data between two markers
 * @returns how many of its bytes they take, stuffing included; null when they do not end within it
 */
export function measureUnits(
  data: Uint8Array,
  tables: readonly HuffmanTable[],
  unitCount: number,
): number | null {
  const { padded, length } = unstuff(data);
  const endBit = length * 8;
  let bit = 0;
  for (let unit = 0; unit < unitCount; unit++) {
    for (let block = 0; block < tables.length; block += 2) {
      bit = skipBlock(padded, bit, tables[block]!, tables[block + 1]!);
      if (bit < 0 || bit > endBit) return null;
    }
  }
  const byteLength = Math.ceil(bit / 8);
  return byteLength === length ? data.length : stuffedLength(data, byteLength);
}

/** The bit behind the block that begins at `bit`; negative when it holds a code that its tables do not have. */
function skipBlock(bytes: Uint8Array, bit: number, dcTable: HuffmanTable, acTable: HuffmanTable): number {
  const dc = look(dcTable, bytes, bit);
  if (dc === 0) return -1;
  bit += dc & ADVANCE_MASK;
  for (let coefficient = 1; coefficient < BLOCK_COEFFICIENTS;) {
    const ac = look(acTable, bytes, bit);
    if (ac === 0) return -1;
    bit += ac & ADVANCE_MASK;
    coefficient += ac >> ADVANCE_BITS;
  }
  return bit;
}

function look({ short, long }: HuffmanTable, bytes: Uint8Array, bit: number): number {
  const at = bit >> 3;
  const word = (((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!) >> (8 - (bit & 7))) & 0xffff;
  return short[word >> TAIL_BITS]! || long[word]!;
}

/** Entropy-coded data has a zero behind each 0xff, so that no marker seems to stand in it. */
function unstuff(data: Uint8Array): { padded: Uint8Array; length: number } {
  const padded = new Uint8Array(data.length + PADDING_BYTES);
  let length = 0;
  for (let start = 0; start < data.length;) {
    const stuffed = data.indexOf(0xff, start);
    const end = stuffed === -1 ? data.length : stuffed + 1;
    padded.set(data.subarray(start, end), length);
    length += end - start;
    start = end + 1;
  }
  return { padded, length };
}

function stuffedLength(data: Uint8Array, unstuffedLength: number): number {
  let at = 0;
  for (let read = 0; read < unstuffedLength; read++) at += data[at] === 0xff ? 2 : 1;
  return at;
}
