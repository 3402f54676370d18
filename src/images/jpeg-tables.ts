// The tables of a JPEG: takes the segments that define them apart, and drops those that another one replaces before
// any scan uses them, which no encoder writes and which could be anything. Called by `jpeg-segments.ts`.
// Source: ITU-T T.81, annexes B.2.4.1 and B.2.4.2.
import { unreadable } from "./unreadable.ts";

const LENGTH_COUNTS = 16;
const QUANTISATION_VALUES = 64;

/** A table, as it stands in its segment. */
export interface JpegTable {
  kind: "dc" | "ac" | "quantisation";
  id: number;
  /** With the byte that says which table it is. */
  bytes: Buffer;
  /** Without it. */
  definition: Buffer;
}

/** @throws UNREADABLE_IMAGE when a table ends early */
export function readHuffmanTables(payload: Buffer): JpegTable[] {
  return readTables(payload, (head, at) => {
    const symbolsAt = at + 1 + LENGTH_COUNTS;
    const symbolCount = payload.subarray(at + 1, symbolsAt).reduce((sum, count) => sum + count, 0);
    return { kind: head >> 4 === 0 ? "dc" : "ac", end: symbolsAt + symbolCount };
  });
}

/** @throws UNREADABLE_IMAGE when a table ends early */
export function readQuantisationTables(payload: Buffer): JpegTable[] {
  return readTables(payload, (head, at) => ({
    kind: "quantisation",
    end: at + 1 + QUANTISATION_VALUES * (head >> 4 === 0 ? 1 : 2),
  }));
}

function readTables(
  payload: Buffer,
  measure: (head: number, at: number) => { kind: JpegTable["kind"]; end: number },
): JpegTable[] {
  const tables: JpegTable[] = [];
  for (let at = 0; at < payload.length;) {
    const head = payload[at]!;
    const { kind, end } = measure(head, at);
    if (end > payload.length) throw unreadable("JPG", "a table ends early");
    const [bytes, definition] = [payload.subarray(at, end), payload.subarray(at + 1, end)];
    tables.push({ kind, id: head & 0x0f, bytes, definition });
    at = end;
  }
  return tables;
}

/** Segments of tables that no scan has used yet, each with its place among the segments that are kept. */
export class PendingTables {
  #segments: { at: number; marker: number; tables: JpegTable[] }[] = [];

  add(at: number, marker: number, tables: JpegTable[]): void {
    this.#segments.push({ at, marker, tables });
  }

  /** A scan begins: of each table its last definition stays in `kept`. */
  use(kept: Buffer[]): void {
    const defined = new Set<string>();
    for (const { at, marker, tables } of this.#segments.toReversed()) {
      const used = tables.filter(({ kind, id }) => !defined.has(`${kind} ${id}`));
      for (const { kind, id } of used) defined.add(`${kind} ${id}`);
      if (used.length < tables.length) kept[at] = createSegment(marker, used);
    }
    this.#segments = [];
  }

  /** The picture ends: nobody uses what is still pending. */
  drop(kept: Buffer[]): void {
    for (const { at } of this.#segments) kept[at] = Buffer.alloc(0);
  }
}

function createSegment(marker: number, tables: readonly JpegTable[]): Buffer {
  if (tables.length === 0) return Buffer.alloc(0);
  const payload = Buffer.concat(tables.map(({ bytes }) => bytes));
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}
