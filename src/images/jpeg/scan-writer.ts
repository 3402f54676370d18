// Writes coefficients as a sequential JPEG, with Huffman tables that fit them. Source: ITU-T T.81, annexes B, F and K.
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";
import { optimalTable, type EncodingTable } from "./huffman-code.ts";
import { BLOCK, BlockScanner, unitsOf, zigzag, type CodedPicture } from "./layout.ts";
import { HUFFMAN_TABLES, QUANTISATION_TABLES, SOS } from "./markers.ts";

const BASELINE = 0xc0;
const EXTENDED = 0xc1;

const SIXTEEN_ZEROS = 0xf0;
const END_OF_BLOCK = 0;
const MAX_VALUE_BITS = 15;

/** More codes than a file of 1.6 MB has. */
const MAX_SYMBOLS = 1 << 22;

/** The first component uses the tables 0 (DC) and 2 (AC), and all others share the tables 1 and 3. */
const TABLE_COUNT = 4;

/** Returns everything from the quantisation tables to the end of the entropy-coded data. */
export function writeScan(picture: CodedPicture): Buffer {
  const symbols = listSymbols(picture);
  const used = picture.components.length === 1 ? [0, 2] : [0, 1, 2, 3];
  const tables = symbols.frequencies.map((counts, i) => (used.includes(i) ? optimalTable(counts) : null));
  return Buffer.concat([
    ...distinctDivisors(picture).map(divisorsSegment),
    frameSegment(picture),
    ...used.map((i) => huffmanSegment(i, tables[i]!)),
    scanSegment(picture),
    writeData(symbols, tables as EncodingTable[]),
  ]);
}

/** The symbols of a picture in their order, each with the bits that follow it. */
class SymbolList {
  /** Bits << 10 | table << 8 | symbol. The number of bits is in the lower half of the symbol. */
  values = new Uint32Array(1 << 16);
  length = 0;
  readonly frequencies = Array.from({ length: TABLE_COUNT }, () => new Uint32Array(257));

  add(table: number, symbol: number, bits: number): void {
    if (this.length === this.values.length) {
      if (this.length >= MAX_SYMBOLS)
        throw tooComplex("or more codes when it is rewritten", MAX_SYMBOLS, this.length);
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = (bits << 10) | (table << 8) | symbol;
    this.frequencies[table]![symbol]! += 1;
  }

  /** @param run number of zeros before the value */
  addValue(table: number, run: number, value: number): void {
    const bitCount = 32 - Math.clz32(Math.abs(value));
    if (bitCount > MAX_VALUE_BITS) throw unreadable("JPG", "a coefficient is out of range");
    this.add(table, (run << 4) | bitCount, value < 0 ? value + (1 << bitCount) - 1 : value);
  }
}

function listSymbols(picture: CodedPicture): SymbolList {
  const list = new SymbolList();
  const { components } = picture;
  const isAlone = components.length === 1;
  const units = isAlone ? components[0]! : unitsOf(picture);
  const scanned = components.map((component, i) => ({
    component,
    horizontal: isAlone ? 1 : component.horizontal,
    vertical: isAlone ? 1 : component.vertical,
    table: Math.min(i, 1),
    scanner: new BlockScanner(component.coefficients),
    predicted: 0,
  }));
  for (let row = 0; row < units.rows; row++) {
    for (let column = 0; column < units.columns; column++) {
      for (const one of scanned) {
        const { component, horizontal, vertical, table } = one;
        for (let y = row * vertical; y < (row + 1) * vertical; y++) {
          for (let x = column * horizontal; x < (column + 1) * horizontal; x++) {
            // A block that only fills up a unit repeats the block before.
            const isFilling = y >= component.rows || x >= component.columns;
            const at = isFilling ? -1 : (y * component.columns + x) * BLOCK;
            const dc = isFilling ? one.predicted : component.coefficients[at]!;
            list.addValue(table, 0, dc - one.predicted);
            one.predicted = dc;
            if (isFilling || one.scanner.isFlat(at)) list.add(2 + table, END_OF_BLOCK, 0);
            else addBlock(list, 2 + table, component.coefficients, at);
          }
        }
      }
    }
  }
  return list;
}

function addBlock(list: SymbolList, table: number, coefficients: Int16Array, at: number): void {
  let run = 0;
  for (let k = 1; k < BLOCK; k++) {
    const value = coefficients[at + zigzag[k]!]!;
    if (value === 0) {
      run += 1;
      continue;
    }
    for (; run > 15; run -= 16) list.add(table, SIXTEEN_ZEROS, 0);
    list.addValue(table, run, value);
    run = 0;
  }
  if (run > 0) list.add(table, END_OF_BLOCK, 0);
}

function writeData({ values, length: count }: SymbolList, tables: readonly EncodingTable[]): Buffer {
  let bytes = Buffer.allocUnsafe(64 * 1024);
  let [length, held, heldBits] = [0, 0, 0];
  const write = (bits: number, bitCount: number) => {
    held = (held << bitCount) | bits;
    heldBits += bitCount;
    while (heldBits >= 8) {
      heldBits -= 8;
      const byte = (held >>> heldBits) & 0xff;
      bytes[length++] = byte;
      if (byte === 0xff) bytes[length++] = 0; // Decoders would take the byte for a marker.
    }
  };
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const [table, symbol] = [tables[(value >> 8) & 3]!, value & 0xff];
    write(table.codes[symbol]!, table.lengths[symbol]!);
    write(value >>> 10, symbol & 0x0f);
    if (length + 16 > bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
  }
  if (heldBits > 0) write((1 << (8 - heldBits)) - 1, 8 - heldBits);
  return bytes.subarray(0, length);
}

function segment(marker: number, payload: readonly number[]): Buffer {
  return Buffer.from([0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 0xff, ...payload]);
}

function distinctDivisors({ components }: CodedPicture): Uint16Array[] {
  const tables = components.map(({ divisors }) => divisors);
  return tables.filter((table, i) => tables.findIndex((other) => isEqual(table, other)) === i);
}

function isEqual(a: Uint16Array, b: Uint16Array): boolean {
  return a.every((value, i) => value === b[i]);
}

function divisorsSegment(table: Uint16Array, id: number): Buffer {
  const isWide = table.some((divisor) => divisor > 255);
  const values = Array.from(zigzag, (position) => table[position]!);
  const bytes = isWide ? values.flatMap((value) => [value >> 8, value & 0xff]) : values;
  return segment(QUANTISATION_TABLES, [(Number(isWide) << 4) | id, ...bytes]);
}

function frameSegment(picture: CodedPicture): Buffer {
  const { widthPx, heightPx, components } = picture;
  const tables = distinctDivisors(picture);
  const isWide = tables.some((table) => table.some((divisor) => divisor > 255));
  const isAlone = components.length === 1;
  return segment(isWide ? EXTENDED : BASELINE, [
    8,
    ...[heightPx, widthPx].flatMap((value) => [value >> 8, value & 0xff]),
    components.length,
    ...components.flatMap(({ id, horizontal, vertical, divisors }) => [
      id,
      isAlone ? 0x11 : (horizontal << 4) | vertical,
      tables.findIndex((table) => isEqual(table, divisors)),
    ]),
  ]);
}

function huffmanSegment(index: number, { counts, symbols }: EncodingTable): Buffer {
  return segment(HUFFMAN_TABLES, [((index >> 1) << 4) | (index & 1), ...counts, ...symbols]);
}

function scanSegment({ components }: CodedPicture): Buffer {
  const tables = components.flatMap(({ id }, i) => [id, Math.min(i, 1) * 0x11]);
  return segment(SOS, [components.length, ...tables, 0, BLOCK - 1, 0]);
}
