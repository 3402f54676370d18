// Reads the frame header of a JPEG. Source: ITU-T T.81, annex B.2.2.
import { AppError } from "../../errors.ts";
import { unreadable } from "../unreadable.ts";

export interface JpegComponent {
  id: number;
  /** Sampling factors, 1 to 4: number of 8 × 8 blocks in a coded unit (MCU), horizontally and vertically. */
  horizontal: number;
  vertical: number;
  /** Number of its quantisation table. */
  divisorsId: number;
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
/** Numbers of components: grey, colour, and the four inks of printing (CMYK). */
const componentCounts = new Set([1, 3, 4]);
const MAX_SAMPLING = 4;

const HEAD_BYTES = 6;
const COMPONENT_BYTES = 3;

/** @throws UNREADABLE_IMAGE when the header is not valid, or browsers cannot show the encoding */
export function readFrame(marker: number, payload: Buffer): JpegFrame {
  const [precision, componentCount = 0] = [payload[0], payload[5]];
  const isShowable = [BASELINE, EXTENDED, PROGRESSIVE].includes(marker) && precision === SAMPLE_BITS;
  if (!isShowable || !componentCounts.has(componentCount)) throw notShowable();
  if (payload.length !== HEAD_BYTES + COMPONENT_BYTES * componentCount) {
    throw unreadable("JPG", "its frame header has a wrong length");
  }
  const components = Array.from({ length: componentCount }, (_, i) => {
    const [id, sampling, divisorsId] = payload.subarray(HEAD_BYTES + COMPONENT_BYTES * i);
    return { id: id!, horizontal: sampling! >> 4, vertical: sampling! & 0x0f, divisorsId: divisorsId! };
  });
  if (!components.every(({ horizontal, vertical }) => isSampling(horizontal) && isSampling(vertical))) {
    throw unreadable("JPG", "its sampling factors are out of range");
  }
  const [heightPx, widthPx] = [payload.readUInt16BE(1), payload.readUInt16BE(3)];
  if (widthPx === 0 || heightPx === 0) throw unreadable("JPG", "its width or height is 0");
  return { widthPx, heightPx, isProgressive: marker === PROGRESSIVE, components };
}

function isSampling(factor: number): boolean {
  return factor >= 1 && factor <= MAX_SAMPLING;
}

function notShowable(): AppError {
  return new AppError("UNREADABLE_IMAGE", "The JPG image is encoded in a way that browsers cannot show.");
}

const COEFFICIENT_BYTES = 2;

/** Bytes per pixel of all coefficients of a decoded picture, and of those of its largest component. */
export function coefficientBytes(components: readonly JpegComponent[]): { all: number; largest: number } {
  const perUnit = components.map(({ horizontal, vertical }) => horizontal * vertical);
  const most =
    Math.max(...components.map((c) => c.horizontal)) * Math.max(...components.map((c) => c.vertical));
  const bytesOf = (blocks: number) => (COEFFICIENT_BYTES * blocks) / most;
  return {
    all: bytesOf(perUnit.reduce((sum, blocks) => sum + blocks)),
    largest: bytesOf(Math.max(...perUnit)),
  };
}
