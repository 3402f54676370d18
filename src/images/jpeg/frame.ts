// What the header of a JPEG's frame says. Called by `jpeg/scans.ts`. Source: ITU-T T.81, annexes A.2 and B.2.2.
import { AppError } from "../../errors.ts";
import { unreadable } from "../unreadable.ts";

export interface JpegComponent {
  id: number;
  /** Sampling factors, 1 to 4: how many blocks of 8 × 8 samples a unit has of it, side by side and on each other. */
  horizontal: number;
  vertical: number;
  quantisationTableId: number;
}

export interface JpegFrame {
  widthPx: number;
  heightPx: number;
  isProgressive: boolean;
  components: readonly JpegComponent[];
}

const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const PROGRESSIVE = 0xc2;

const SAMPLE_BITS = 8;
/** Grey, colour, and the four inks of printing. */
const componentCounts = new Set([1, 3, 4]);
const MAX_SAMPLING = 4;
const BLOCK_SIDE = 8;

const HEAD_BYTES = 6;
const COMPONENT_BYTES = 3;

/** @throws UNREADABLE_IMAGE for a header that is wrong, and for a frame that no browser shows */
export function readFrame(marker: number, payload: Buffer): JpegFrame {
  const [precision, componentCount = 0] = [payload[0], payload[5]];
  const isShowable = [BASELINE, EXTENDED, PROGRESSIVE].includes(marker) && precision === SAMPLE_BITS;
  if (!isShowable || !componentCounts.has(componentCount)) throw notShowable();
  if (payload.length !== HEAD_BYTES + COMPONENT_BYTES * componentCount) {
    throw unreadable("JPG", "its frame header has a wrong length");
  }
  const components = Array.from({ length: componentCount }, (_, i) => {
    const [id, sampling, quantisationTableId] = payload.subarray(HEAD_BYTES + COMPONENT_BYTES * i);
    return {
      id: id!,
      horizontal: sampling! >> 4,
      vertical: sampling! & 0x0f,
      quantisationTableId: quantisationTableId!,
    };
  });
  for (const { horizontal, vertical } of components) {
    if (!isSampling(horizontal) || !isSampling(vertical)) throw unreadable("JPG", "its sampling is none");
  }
  return {
    heightPx: payload.readUInt16BE(1),
    widthPx: payload.readUInt16BE(3),
    isProgressive: marker === PROGRESSIVE,
    components,
  };
}

/** How a scan of one component, or of several, goes over the picture. */
export interface ScanLayout {
  unitCount: number;
  /** Of each component of the scan, in its turn: how many blocks a unit has. */
  blocksPerUnit: readonly number[];
}

/** A scan of one component leaves out the blocks that only fill up a unit; one of several does not. */
export function layOutScan(frame: JpegFrame, components: readonly JpegComponent[]): ScanLayout {
  const only = components.length === 1 ? components[0]! : { horizontal: 1, vertical: 1 };
  const maxHorizontal = Math.max(...frame.components.map(({ horizontal }) => horizontal));
  const maxVertical = Math.max(...frame.components.map(({ vertical }) => vertical));
  const unitsAcross = Math.ceil((frame.widthPx * only.horizontal) / (BLOCK_SIDE * maxHorizontal));
  const unitsDown = Math.ceil((frame.heightPx * only.vertical) / (BLOCK_SIDE * maxVertical));
  return {
    unitCount: unitsAcross * unitsDown,
    blocksPerUnit:
      components.length === 1 ? [1] : components.map(({ horizontal, vertical }) => horizontal * vertical),
  };
}

function isSampling(factor: number): boolean {
  return factor >= 1 && factor <= MAX_SAMPLING;
}

function notShowable(): AppError {
  return new AppError("UNREADABLE_IMAGE", "The JPG image is encoded in a way that browsers cannot show.");
}
