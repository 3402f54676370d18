// Writes coefficients as a sequential JPEG, with Huffman tables that fit them. Source: ITU-T T.81, annexes B, F and K.
import { optimalTable, type EncodingTable } from "./huffman-code.ts";
import { BLOCK, unitsOf, zigzag, type CodedPicture, type Component } from "./layout.ts";

const HUFFMAN_TABLES = 0xc4;
const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const SOS = 0xda;
const QUANTISATION_TABLES = 0xdb;

const SIXTEEN_ZEROS = 0xf0;
const END_OF_BLOCK = 0;

/** Receives the symbols of a picture in their order, each with the bits that follow it. */
type Sink = (table: number, symbol: number, bits: number, bitCount: number) => void;

/** The first component has tables of its own. All others share theirs: DC 0 and 1, AC 2 and 3. */
const TABLE_COUNT = 4;

/** Returns everything from the quantisation tables to the end of the entropy-coded data. */
export function writeScan(picture: CodedPicture): Buffer {
  const frequencies = Array.from({ length: TABLE_COUNT }, () => new Uint32Array(257));
  forEachSymbol(picture, (table, symbol) => frequencies[table]![symbol]!++);
  const used = picture.components.length === 1 ? [0, 2] : [0, 1, 2, 3];
  const tables = frequencies.map((counts, i) => (used.includes(i) ? optimalTable(counts) : null));
  return Buffer.concat([
    ...distinctDivisors(picture).map(divisorsSegment),
    frameSegment(picture),
    ...used.map((i) => huffmanSegment(i, tables[i]!)),
    scanSegment(picture),
    writeData(picture, tables as EncodingTable[]),
  ]);
}

function forEachSymbol(picture: CodedPicture, sink: Sink): void {
  const isAlone = picture.components.length === 1;
  const units = isAlone ? picture.components[0]! : unitsOf(picture);
  const predicted = picture.components.map(() => 0);
  for (let row = 0; row < units.rows; row++) {
    for (let column = 0; column < units.columns; column++) {
      for (const [index, component] of picture.components.entries()) {
        const [horizontal, vertical] = isAlone ? [1, 1] : [component.horizontal, component.vertical];
        for (let i = 0; i < vertical; i++) {
          for (let j = 0; j < horizontal; j++) {
            const [y, x] = [row * vertical + i, column * horizontal + j];
            const isFilling = y >= component.rows || x >= component.columns;
            const at = isFilling ? -1 : (y * component.columns + x) * BLOCK;
            predicted[index] = encodeBlock(component, at, predicted[index]!, Math.min(index, 1), sink);
          }
        }
      }
    }
  }
}

/** @param at -1 for a block that only fills up a unit: it repeats the block before @returns the DC coefficient */
function encodeBlock(
  { coefficients }: Component,
  at: number,
  predicted: number,
  table: number,
  sink: Sink,
): number {
  const dc = at === -1 ? predicted : coefficients[at]!;
  emit(sink, table, 0, dc - predicted);
  let run = 0;
  const end = at === -1 ? 1 : BLOCK;
  for (let k = 1; k < end; k++) {
    const value = coefficients[at + zigzag[k]!]!;
    if (value === 0) {
      run += 1;
      continue;
    }
    for (; run > 15; run -= 16) sink(2 + table, SIXTEEN_ZEROS, 0, 0);
    emit(sink, 2 + table, run << 4, value);
    run = 0;
  }
  if (run > 0 || at === -1) sink(2 + table, END_OF_BLOCK, 0, 0);
  return dc;
}

function emit(sink: Sink, table: number, run: number, value: number): void {
  const bitCount = 32 - Math.clz32(Math.abs(value));
  sink(table, run | bitCount, value < 0 ? value + (1 << bitCount) - 1 : value, bitCount);
}

function writeData(picture: CodedPicture, tables: readonly EncodingTable[]): Buffer {
  let bytes = Buffer.allocUnsafe(64 * 1024);
  let [length, held, heldBits] = [0, 0, 0];
  const write = (bits: number, bitCount: number) => {
    held = (held << bitCount) | bits;
    heldBits += bitCount;
    while (heldBits >= 8) {
      heldBits -= 8;
      const byte = (held >>> heldBits) & 0xff;
      bytes[length++] = byte;
      if (byte === 0xff) bytes[length++] = 0; // So that it is not taken for a marker.
    }
    if (length + 16 > bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
  };
  forEachSymbol(picture, (table, symbol, bits, bitCount) => {
    write(tables[table]!.codes[symbol]!, tables[table]!.lengths[symbol]!);
    write(bits, bitCount);
  });
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
