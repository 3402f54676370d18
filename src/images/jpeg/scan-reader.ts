// Decodes a JPEG up to its quantised coefficients. Source: ITU-T T.81, annexes B, F and G.
import { tooComplex } from "../too-complex.ts";
import { unreadable } from "../unreadable.ts";
import { BitReader, buildTable, type HuffmanTable } from "./bit-reader.ts";
import { decodeBlock, type Band } from "./block-reader.ts";
import { readFrame } from "./frame.ts";
import {
  BLOCK,
  BlockScanner,
  emptyPicture,
  unitsOf,
  zigzag,
  type CodedPicture,
  type Component,
} from "./layout.ts";
import {
  EOI,
  HUFFMAN_TABLES,
  isShowableFrame,
  PROGRESSIVE_FRAME,
  QUANTISATION_TABLES,
  readSegment,
  RESTART_INTERVAL,
  SOS,
  startMarker,
} from "./markers.ts";

/** Source: ITU-T T.81, annex B.2.3. */
const MAX_BLOCKS_PER_UNIT = 10;

/** A progressive JPG of 40 megapixels has fewer in the usual scans. Reading this many takes three seconds. */
const MAX_COST = 150_000_000;

/** Coefficients that a scan reads of a block on average, unless it refines those of earlier scans. */
const FIRST_SCAN_COST = 8;

/** The tables that were defined last, by their number. */
interface Tables {
  divisors: Map<number, Uint16Array>;
  dc: Map<number, HuffmanTable>;
  ac: Map<number, HuffmanTable>;
  restartInterval: number;
  /** Number of coefficients that the earlier scans had to look at. */
  cost: number;
}

export interface ScanComponent {
  component: Component;
  dc: HuffmanTable | undefined;
  ac: HuffmanTable | undefined;
  scanner: BlockScanner;
  /** The last DC coefficient. */
  predicted: number;
}

/**
 * @param bytes a JPEG that `parseJpeg` has stripped
 * @throws UNREADABLE_IMAGE when the data of a scan ends early, or a code is not valid; `missingBits` tells which scans
 * are missing
 * @throws IMAGE_TOO_COMPLEX when the coefficients would take too much memory
 */
export function readCoefficients(bytes: Buffer): CodedPicture {
  const tables: Tables = { divisors: new Map(), dc: new Map(), ac: new Map(), restartInterval: 0, cost: 0 };
  let picture: CodedPicture | null = null;
  let isProgressive = false;
  for (let at = startMarker.length; bytes[at + 1] !== EOI;) {
    const { marker, payload, end } = readSegment(bytes, at);
    at = end;
    if (marker === QUANTISATION_TABLES) readDivisors(payload, tables.divisors);
    else if (marker === HUFFMAN_TABLES) readHuffmanTables(payload, tables);
    else if (marker === RESTART_INTERVAL) tables.restartInterval = readRestartInterval(payload);
    else if (isShowableFrame(marker)) {
      isProgressive = marker === PROGRESSIVE_FRAME;
      picture = emptyPicture(readFrame(marker, payload));
    } else if (marker === SOS) {
      const reader = new BitReader(bytes, at);
      readScan(reader, picture!, payload, tables, isProgressive);
      at = reader.findMarker();
    }
  }
  return picture!;
}

function readRestartInterval(payload: Buffer): number {
  if (payload.length < 2) throw unreadable("JPG", "its restart interval is incomplete");
  return payload.readUInt16BE(0);
}

function readDivisors(payload: Buffer, divisors: Tables["divisors"]): void {
  for (let at = 0; at < payload.length;) {
    const [bytesEach, id] = [payload[at]! >> 4 ? 2 : 1, payload[at]! & 0x0f];
    at += 1;
    if (at + BLOCK * bytesEach > payload.length)
      throw unreadable("JPG", "a quantisation table is incomplete");
    const table = new Uint16Array(BLOCK);
    for (const position of zigzag) {
      table[position] = payload.readUIntBE(at, bytesEach);
      at += bytesEach;
    }
    divisors.set(id, table);
  }
}

function readHuffmanTables(payload: Buffer, { dc, ac }: Tables): void {
  for (let at = 0; at + 17 <= payload.length;) {
    const counts = payload.subarray(at + 1, at + 17);
    const symbolCount = counts.reduce((sum, count) => sum + count, 0);
    const symbols = payload.subarray(at + 17, at + 17 + symbolCount);
    if (symbols.length < symbolCount) throw unreadable("JPG", "a Huffman table is incomplete");
    (payload[at]! >> 4 ? ac : dc).set(payload[at]! & 0x0f, buildTable(counts, symbols));
    at += 17 + symbolCount;
  }
}

function readScan(
  reader: BitReader,
  picture: CodedPicture,
  payload: Buffer,
  tables: Tables,
  isProgressive: boolean,
): void {
  const components = componentsOf(picture, payload, tables);
  const [start, end, bits] = payload.subarray(1 + 2 * components.length) as unknown as [
    number,
    number,
    number,
  ];
  const band: Band = isProgressive
    ? { start, end, isProgressive, isRefinement: bits >> 4 > 0, lowBit: bits & 0x0f, zeroBlocks: 0 }
    : { start: 0, end: BLOCK - 1, isProgressive, isRefinement: false, lowBit: 0, zeroBlocks: 0 };
  if (band.end >= BLOCK || band.start > band.end) throw unreadable("JPG", "a scan has an invalid band");
  const blocksPerUnit = components.reduce(
    (sum, { component: { horizontal, vertical } }) => sum + horizontal * vertical,
    0,
  );
  if (components.length > 1 && (blocksPerUnit > MAX_BLOCKS_PER_UNIT || (isProgressive && band.end > 0)))
    throw unreadable("JPG", "a scan has too many components");
  const units = components.length === 1 ? components[0]!.component : unitsOf(picture);
  const unitCount = units.columns * units.rows;
  const bandLength = band.isRefinement ? band.end - band.start + 1 : FIRST_SCAN_COST;
  tables.cost += unitCount * (components.length === 1 ? 1 : blocksPerUnit) * bandLength;
  if (tables.cost > MAX_COST) throw tooComplex("or more coefficients in all scans", MAX_COST, tables.cost);
  for (let unit = 0; unit < unitCount; unit++) {
    if (tables.restartInterval > 0 && unit > 0 && unit % tables.restartInterval === 0) {
      reader.restart();
      band.zeroBlocks = 0;
      for (const scanned of components) scanned.predicted = 0;
    }
    readUnit(reader, components, band, Math.floor(unit / units.columns), unit % units.columns);
    if (reader.hasRunOut) throw unreadable("JPG", "its picture data ends early");
  }
  for (const { component } of components) component.missingBits.fill(band.lowBit, band.start, band.end + 1);
}

function componentsOf(picture: CodedPicture, payload: Buffer, tables: Tables): ScanComponent[] {
  const ids = Array.from({ length: payload[0]! }, (_, i) => payload[1 + 2 * i]);
  if (new Set(ids).size < ids.length) throw unreadable("JPG", "a scan names a component twice");
  return Array.from({ length: payload[0]! }, (_, i) => {
    const [id, table = 0] = payload.subarray(1 + 2 * i, 3 + 2 * i);
    const component = picture.components.find((one) => one.id === id);
    const divisors = component && tables.divisors.get(component.divisorsId);
    if (!divisors) throw unreadable("JPG", "a scan refers to a component or table that does not exist");
    component.divisors = divisors;
    return {
      component,
      dc: tables.dc.get(table >> 4),
      ac: tables.ac.get(table & 0x0f),
      scanner: new BlockScanner(component.coefficients),
      predicted: 0,
    };
  });
}

/** Reads a coded unit: one block if the scan has one component, otherwise a group of blocks of each component. */
function readUnit(
  reader: BitReader,
  components: readonly ScanComponent[],
  band: Band,
  row: number,
  column: number,
): void {
  if (components.length === 1) {
    const [scanned] = components;
    decodeBlock(reader, scanned!, band, (row * scanned!.component.columns + column) * BLOCK);
    return;
  }
  for (const scanned of components) {
    const { horizontal, vertical, rows, columns } = scanned.component;
    for (let y = row * vertical; y < (row + 1) * vertical; y++) {
      for (let x = column * horizontal; x < (column + 1) * horizontal; x++) {
        const isFilling = y >= rows || x >= columns;
        decodeBlock(reader, scanned, band, isFilling ? -1 : (y * columns + x) * BLOCK);
      }
    }
  }
}
