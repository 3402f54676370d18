// The tables of a JPEG: takes the segments that define them apart, and keeps those that a scan uses. Others, which
// could be anything, no decoder looks into. Called by `jpeg/segments.ts` and `jpeg/scans.ts`.
// Source: ITU-T T.81, annexes B.2.4.1 and B.2.4.2.
import { unreadable } from "../unreadable.ts";

const LENGTH_COUNTS = 16;
const QUANTISATION_VALUES = 64;

export const HUFFMAN_TABLES = 0xc4;
const QUANTISATION_TABLES = 0xdb;

export type TableKind = "dc" | "ac" | "quantisation";

interface JpegTable {
  kind: TableKind;
  id: number;
  /** With the byte that says which table it is. */
  bytes: Buffer;
  /** Without it. */
  definition: Buffer;
  isUsed: boolean;
}

export class JpegTables {
  hasHuffmanTables = false;
  readonly #segments: { at: number; marker: number; tables: JpegTable[] }[] = [];
  readonly #current = new Map<string, JpegTable>();

  /**
   * Each table replaces the one before it of the same kind and number.
   *
   * @param at the segment's place among those that are kept
   * @throws UNREADABLE_IMAGE when a table ends early
   */
  define(at: number, marker: number, payload: Buffer): void {
    const tables = readTables(marker, payload);
    if (marker === HUFFMAN_TABLES) this.hasHuffmanTables = true;
    for (const table of tables) this.#current.set(nameOf(table.kind, table.id), table);
    this.#segments.push({ at, marker, tables });
  }

  /** What a table says, for a scan that uses it; null when there is none. */
  use(kind: TableKind, id: number): Buffer | null {
    const table = this.#current.get(nameOf(kind, id));
    if (!table) return null;
    table.isUsed = true;
    return table.definition;
  }

  /** The picture ends: the segments lose the tables that no scan used. */
  dropUnused(kept: Buffer[]): void {
    for (const { at, marker, tables } of this.#segments) {
      const used = tables.filter(({ isUsed }) => isUsed);
      if (used.length < tables.length || used.length === 0) {
        kept[at] = createSegment(marker, Buffer.concat(used.map(({ bytes }) => bytes)));
      }
    }
  }
}

export function isTableSegment(marker: number): boolean {
  return marker === HUFFMAN_TABLES || marker === QUANTISATION_TABLES;
}

function nameOf(kind: TableKind, id: number): string {
  return `${kind} ${id}`;
}

function readTables(marker: number, payload: Buffer): JpegTable[] {
  const tables: JpegTable[] = [];
  for (let at = 0; at < payload.length;) {
    const head = payload[at]!;
    const end =
      at + 1 + (marker === HUFFMAN_TABLES ? huffmanBytes(payload, at + 1) : quantisationBytes(head));
    if (end > payload.length) throw unreadable("JPG", "a table ends early");
    const [bytes, definition] = [payload.subarray(at, end), payload.subarray(at + 1, end)];
    tables.push({ kind: kindOf(marker, head), id: head & 0x0f, bytes, definition, isUsed: false });
    at = end;
  }
  return tables;
}

function kindOf(marker: number, head: number): TableKind {
  if (marker === QUANTISATION_TABLES) return "quantisation";
  return head >> 4 === 0 ? "dc" : "ac";
}

function huffmanBytes(payload: Buffer, at: number): number {
  return payload.subarray(at, at + LENGTH_COUNTS).reduce((sum, count) => sum + count, LENGTH_COUNTS);
}

function quantisationBytes(head: number): number {
  return QUANTISATION_VALUES * (head >> 4 === 0 ? 1 : 2);
}

/** Nothing where there is nothing to hold. */
export function createSegment(marker: number, payload: Buffer): Buffer {
  if (payload.length === 0) return payload;
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}
