// The scans of a JPEG: reads their headers, and keeps of each what a decoder reads of it. Called by
// `jpeg/segments.ts` with the segments in their turn. Source: ITU-T T.81, annexes B.2.3 and G.1.1.1.
import { cutScan, type SkipUnits } from "./entropy.ts";
import { layOutScan, readFrame, type JpegComponent, type JpegFrame } from "./frame.ts";
import { createHuffmanTable, type HuffmanTable } from "./huffman.ts";
import { bandEntry, ComponentProgress, newDcUnits, refinedDcUnits, type ScanRange } from "./progressive.ts";
import { acEntry, dcEntry, sequentialUnits } from "./sequential.ts";
import type { JpegTables } from "./tables.ts";
import { unreadable } from "../unreadable.ts";

/** Marker, length, and how many components there are; of each component two bytes; the range of coefficients. */
const HEAD_BYTES = 5;
const COMPONENT_BYTES = 2;
const RANGE_BYTES = 3;

/** All coefficients at once. What else a sequential scan says some encoders leave empty, and decoders warn of it. */
const SEQUENTIAL_RANGE = Buffer.from([0, 63, 0]);

export class JpegScans {
  #frame: JpegFrame | null = null;
  #restartInterval = 0;
  readonly #scanned = new Set<JpegComponent>();
  readonly #progress = new Map<JpegComponent, ComponentProgress>();
  readonly #ready = new Map<string, { definition: Buffer; table: HuffmanTable }>();

  constructor(readonly tables: JpegTables) {}

  get hasScan(): boolean {
    return this.#scanned.size > 0;
  }

  /** @throws UNREADABLE_IMAGE for a second frame, and for one that no browser shows */
  defineFrame(marker: number, payload: Buffer): void {
    if (this.#frame) throw unreadable("JPG", "it has two frames");
    this.#frame = readFrame(marker, payload);
  }

  defineRestartInterval(payload: Buffer): void {
    if (payload.length !== 2) throw unreadable("JPG", "its restart interval has a wrong length");
    this.#restartInterval = payload.readUInt16BE(0);
  }

  /**
   * The scan's header, and its data without what stands behind its units.
   *
   * @param data up to the next marker
   * @throws UNREADABLE_IMAGE when units are missing, and for a scan that brings what another has brought
   */
  keepScan(header: Buffer, data: Buffer): [header: Buffer, data: Buffer] {
    const frame = this.#frame;
    const componentCount = header[HEAD_BYTES - 1] ?? 0;
    const rangeAt = HEAD_BYTES + COMPONENT_BYTES * componentCount;
    if (!frame || componentCount === 0 || header.length !== rangeAt + RANGE_BYTES) {
      throw unreadable("JPG", "a scan header is wrong");
    }
    const scan = readComponents(frame, header.subarray(HEAD_BYTES, rangeAt));
    for (const { component } of scan) this.#takeQuantisation(component);
    const { unitCount, blocksPerUnit } = layOutScan(
      frame,
      scan.map(({ component }) => component),
    );
    const range = header.subarray(rangeAt);
    const skipUnits = frame.isProgressive
      ? this.#progressiveUnits(frame, scan, blocksPerUnit, readRange(range))
      : this.#sequentialUnits(scan, blocksPerUnit);
    const keptHeader =
      frame.isProgressive || range.equals(SEQUENTIAL_RANGE)
        ? header
        : Buffer.concat([header.subarray(0, rangeAt), SEQUENTIAL_RANGE]);
    return [keptHeader, cutScan(data, unitCount, this.#restartInterval, skipUnits)];
  }

  /** @throws UNREADABLE_IMAGE when a component of the picture, or a part of its coefficients, is in no scan */
  assertComplete(): void {
    const isComplete = this.#frame?.components.every((component) =>
      this.#frame!.isProgressive ? this.#progress.get(component)?.isComplete : this.#scanned.has(component),
    );
    if (!isComplete) throw unreadable("JPG", "scans are missing");
  }

  /** A decoder takes the table that stands there when it comes to a component's first scan. */
  #takeQuantisation(component: JpegComponent): void {
    if (this.#scanned.has(component)) return;
    this.tables.use("quantisation", component.quantisationTableId);
  }

  #sequentialUnits(scan: readonly ScanComponent[], blocksPerUnit: readonly number[]): SkipUnits {
    for (const { component } of scan) {
      if (this.#scanned.has(component)) throw unreadable("JPG", "a component has two scans");
      this.#scanned.add(component);
    }
    const tables = scan.flatMap(({ dcTableId, acTableId }, i) => {
      const pair = [this.#useTable("dc", dcTableId, dcEntry), this.#useTable("ac", acTableId, acEntry)];
      return Array.from({ length: blocksPerUnit[i]! }, () => pair).flat();
    });
    return sequentialUnits(tables);
  }

  #progressiveUnits(
    frame: JpegFrame,
    scan: readonly ScanComponent[],
    blocksPerUnit: readonly number[],
    range: ScanRange,
  ): SkipUnits {
    for (const { component } of scan) {
      this.#scanned.add(component);
      this.#progressOf(frame, component).beginScan(range);
    }
    if (range.first > 0) {
      const [{ component, acTableId }, ...others] = scan as [ScanComponent, ...ScanComponent[]];
      if (others.length > 0) throw unreadable("JPG", "a scan has too many components");
      return this.#progressOf(frame, component).bandUnits(range, this.#useTable("ac", acTableId, bandEntry));
    }
    if (range.previousLowBits > 0) return refinedDcUnits(blocksPerUnit.reduce((sum, count) => sum + count));
    return newDcUnits(
      scan.flatMap(({ dcTableId }, i) =>
        Array.from({ length: blocksPerUnit[i]! }, () => this.#useTable("dc", dcTableId, dcEntry)),
      ),
    );
  }

  #progressOf(frame: JpegFrame, component: JpegComponent): ComponentProgress {
    const progress =
      this.#progress.get(component) ?? new ComponentProgress(layOutScan(frame, [component]).unitCount);
    this.#progress.set(component, progress);
    return progress;
  }

  /** The table, made ready when a scan first uses it: that takes time, and many may be defined for nothing. */
  #useTable(
    kind: "dc" | "ac",
    id: number,
    entryOf: (codeBits: number, symbol: number) => number,
  ): HuffmanTable {
    const definition = this.tables.use(kind, id);
    if (!definition) throw unreadable("JPG", "a scan has no Huffman table");
    const name = `${kind} ${id}`;
    const ready = this.#ready.get(name);
    if (ready?.definition === definition) return ready.table;
    const table = createHuffmanTable(definition, entryOf);
    if (!table) throw unreadable("JPG", "a Huffman table has too many codes");
    this.#ready.set(name, { definition, table });
    return table;
  }
}

interface ScanComponent {
  component: JpegComponent;
  dcTableId: number;
  acTableId: number;
}

function readComponents(frame: JpegFrame, bytes: Buffer): ScanComponent[] {
  const scan = Array.from({ length: bytes.length / COMPONENT_BYTES }, (_, i) => {
    const [id, tableIds] = bytes.subarray(COMPONENT_BYTES * i) as unknown as [number, number];
    const component = frame.components.find((candidate) => candidate.id === id);
    if (!component) throw unreadable("JPG", "a scan has a component that the frame lacks");
    return { component, dcTableId: tableIds >> 4, acTableId: tableIds & 0x0f };
  });
  if (new Set(scan.map(({ component }) => component)).size < scan.length) {
    throw unreadable("JPG", "a scan has a component twice");
  }
  return scan;
}

function readRange(bytes: Buffer): ScanRange {
  const [first, last, lowBits] = bytes as unknown as [number, number, number];
  return { first, last, previousLowBits: lowBits >> 4, lowBits: lowBits & 0x0f };
}
