// What a JPEG's frame header and tables say of the data of its scans, and where that data ends. Called by
// `jpeg-segments.ts` with each segment in its turn; calls `jpeg-entropy.ts`. Source: ITU-T T.81, annex B.
import { AppError } from "../errors.ts";
import {
  createHuffmanTable,
  layOutScan,
  measureUnits,
  type HuffmanTable,
  type JpegComponent,
  type JpegFrame,
  type ScanComponent,
} from "./jpeg-entropy.ts";
import type { JpegTable } from "./jpeg-tables.ts";
import { unreadable } from "./unreadable.ts";

const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const PROGRESSIVE = 0xc2;

const SAMPLE_BITS = 8;
const MAX_SAMPLING = 4;

/** Source: ITU-T T.81, table B.2 and following. */
const FRAME_HEAD_BYTES = 6;
const FRAME_COMPONENT_BYTES = 3;
const LENGTH_COUNTS = 16;

const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;

export class JpegScans {
  #frame: JpegFrame | null = null;
  #isProgressive = false;
  #restartInterval = 0;
  readonly #tables = { dc: new Map<number, LazyTable>(), ac: new Map<number, LazyTable>() };
  readonly #scanned = new Set<number>();

  get hasFrame(): boolean {
    return this.#frame !== null;
  }

  /** @throws UNREADABLE_IMAGE for a second frame, and for one that no browser shows */
  defineFrame(marker: number, payload: Buffer): void {
    const [precision, componentCount = 0] = [payload[0], payload[5]];
    if (this.#frame) throw unreadable("JPG", "it has two frames");
    if (![BASELINE, EXTENDED, PROGRESSIVE].includes(marker) || precision !== SAMPLE_BITS) throw notShowable();
    if (payload.length !== FRAME_HEAD_BYTES + FRAME_COMPONENT_BYTES * componentCount) {
      throw unreadable("JPG", "its frame header has a wrong length");
    }
    const components = Array.from({ length: componentCount }, (_, i) => {
      const at = FRAME_HEAD_BYTES + FRAME_COMPONENT_BYTES * i;
      return { id: payload[at]!, horizontal: payload[at + 1]! >> 4, vertical: payload[at + 1]! & 0x0f };
    });
    for (const { horizontal, vertical } of components) {
      if (!isSampling(horizontal) || !isSampling(vertical)) throw unreadable("JPG", "its sampling is none");
    }
    this.#frame = { heightPx: payload.readUInt16BE(1), widthPx: payload.readUInt16BE(3), components };
    this.#isProgressive = marker === PROGRESSIVE;
  }

  /** Kept as it stands: only what a scan uses is worth the time that making a table ready takes. */
  defineHuffmanTable({ kind, id, definition }: JpegTable): void {
    if (kind !== "quantisation") this.#tables[kind].set(id, new LazyTable(kind, definition));
  }

  defineRestartInterval(payload: Buffer): void {
    if (payload.length !== 2) throw unreadable("JPG", "its restart interval has a wrong length");
    this.#restartInterval = payload.readUInt16BE(0);
  }

  /**
   * The entropy-coded data of a scan without what stands behind its last unit, or behind that of an interval. Of a
   * progressive picture it is all of it: there the decoder reads to the end, and refuses what is too much.
   *
   * @throws UNREADABLE_IMAGE when units are missing
   */
  cutScan(header: Buffer, data: Buffer): Buffer {
    const scan = this.#readHeader(header);
    if (this.#isProgressive) return data;
    const { unitCount, tables } = layOutScan(this.#frame!, scan.map(this.#withTables, this));
    const kept: Buffer[] = [];
    let unitsLeft = unitCount;
    for (const interval of splitAtRestarts(data)) {
      const units = Math.min(unitsLeft, this.#restartInterval || unitsLeft);
      const markerBytes = kept.length === 0 ? 0 : 2;
      const dataBytes = measureUnits(interval.subarray(markerBytes), tables, units);
      if (dataBytes === null) throw unreadable("JPG", "it ends within its picture data");
      kept.push(interval.subarray(0, markerBytes + dataBytes));
      unitsLeft -= units;
      if (unitsLeft === 0) return Buffer.concat(kept);
    }
    throw unreadable("JPG", "restart intervals are missing");
  }

  /** @throws UNREADABLE_IMAGE when a component of the picture is in no scan */
  assertComplete(): void {
    if (!this.#frame?.components.every(({ id }) => this.#scanned.has(id))) {
      throw unreadable("JPG", "a component has no scan");
    }
  }

  #readHeader(header: Buffer): ScanHeader {
    const componentCount = header[0] ?? 0;
    if (!this.#frame || componentCount === 0 || header.length !== 4 + 2 * componentCount) {
      throw unreadable("JPG", "a scan header is wrong");
    }
    return Array.from({ length: componentCount }, (_, i) => {
      const [id, tableIds] = [header[1 + 2 * i]!, header[2 + 2 * i]!];
      const component = this.#frame!.components.find((candidate) => candidate.id === id);
      if (!component) throw unreadable("JPG", "a scan has a component that the frame lacks");
      this.#scanned.add(id);
      return { component, dcTableId: tableIds >> 4, acTableId: tableIds & 0x0f };
    });
  }

  #withTables({ component, dcTableId, acTableId }: ScanHeader[number]): ScanComponent {
    const [dcTable, acTable] = [this.#tables.dc.get(dcTableId), this.#tables.ac.get(acTableId)];
    if (!dcTable || !acTable) throw unreadable("JPG", "a scan has no Huffman table");
    return { component, dcTable: dcTable.ready, acTable: acTable.ready };
  }
}

type ScanHeader = { component: JpegComponent; dcTableId: number; acTableId: number }[];

/** A Huffman table that is made ready when a scan first uses it. */
class LazyTable {
  #ready: HuffmanTable | null = null;

  /** @param definition how many codes there are of each length, and their symbols */
  constructor(
    readonly kind: "dc" | "ac",
    readonly definition: Buffer,
  ) {}

  get ready(): HuffmanTable {
    const [lengthCounts, symbols] = [
      this.definition.subarray(0, LENGTH_COUNTS),
      this.definition.subarray(LENGTH_COUNTS),
    ];
    this.#ready ??= createHuffmanTable(this.kind, lengthCounts, symbols);
    if (!this.#ready) throw unreadable("JPG", "a Huffman table has too many codes");
    return this.#ready;
  }
}

/** The first piece has no marker; each that follows begins with its own. */
function* splitAtRestarts(data: Buffer): Generator<Buffer> {
  let start = 0;
  for (let at = data.indexOf(0xff); at !== -1; at = data.indexOf(0xff, at + 1)) {
    const code = data[at + 1];
    if (code === undefined || code < FIRST_RESTART || code > LAST_RESTART) continue;
    yield data.subarray(start, at);
    start = at;
  }
  yield data.subarray(start);
}

function isSampling(factor: number): boolean {
  return factor >= 1 && factor <= MAX_SAMPLING;
}

function notShowable(): AppError {
  return new AppError("UNREADABLE_IMAGE", "The JPG image is encoded in a way that browsers cannot show.");
}
