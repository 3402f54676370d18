// The blocks of a JPEG frame and the order of their coefficients. Source: ITU-T T.81, annex A.
import { pictureLimits } from "../../domain/picture-format.ts";
import { tooComplex } from "../too-complex.ts";
import { coefficientBytes, type JpegComponent, type JpegFrame } from "./frame.ts";

/** Number of coefficients, and of samples, in a block of 8 × 8. */
export const BLOCK = 64;

/** The position of each coefficient in its block, row by row, in the order in which files store them. */
export const zigzag = Uint8Array.from(
  [
    [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5],
    [12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
    [35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51],
    [58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
  ].flat(),
);

/** A colour component with its quantised coefficients, in the order of its blocks, row by row. */
export interface Component extends JpegComponent {
  widthPx: number;
  heightPx: number;
  /** Blocks in a row and in a column, without those that only fill up the last coded units. */
  columns: number;
  rows: number;
  coefficients: Int16Array<ArrayBuffer>;
  /** 64 divisors, row by row. */
  divisors: Uint16Array;
  /** For each coefficient, in zigzag order: the number of its low bits that no scan has contained yet. */
  missingBits: Uint8Array;
}

/** A picture as its file stores it, decoded up to the coefficients. */
export interface CodedPicture {
  widthPx: number;
  heightPx: number;
  components: Component[];
}

/** Number of coded units (MCUs) in a row and in a column when a scan has several components. */
export function unitsOf({ widthPx, heightPx, components }: CodedPicture): { columns: number; rows: number } {
  return {
    columns: Math.ceil(widthPx / (8 * Math.max(...components.map((c) => c.horizontal)))),
    rows: Math.ceil(heightPx / (8 * Math.max(...components.map((c) => c.vertical)))),
  };
}

/**
 * Returns a picture with the frame's components, whose coefficients are all zero.
 *
 * @throws IMAGE_TOO_COMPLEX when the coefficients would take too much memory
 */
export function emptyPicture({ widthPx, heightPx, components }: JpegFrame): CodedPicture {
  const maxHorizontal = Math.max(...components.map((c) => c.horizontal));
  const maxVertical = Math.max(...components.map((c) => c.vertical));
  const bytes = Math.ceil(widthPx * heightPx * coefficientBytes(components).all);
  if (bytes > pictureLimits.maxMemoryBytes)
    throw tooComplex("bytes when it is decoded", pictureLimits.maxMemoryBytes, bytes);
  return {
    widthPx,
    heightPx,
    components: components.map((component) => {
      const width = Math.ceil((widthPx * component.horizontal) / maxHorizontal);
      const height = Math.ceil((heightPx * component.vertical) / maxVertical);
      const [columns, rows] = [Math.ceil(width / 8), Math.ceil(height / 8)];
      return {
        ...component,
        widthPx: width,
        heightPx: height,
        columns,
        rows,
        coefficients: new Int16Array(columns * rows * BLOCK),
        divisors: new Uint16Array(BLOCK),
        missingBits: new Uint8Array(BLOCK).fill(16),
      };
    }),
  };
}

/** Finds blocks with no coefficient but the first, as most blocks of a photograph are. Compares two at a time with zero. */
export class BlockScanner {
  readonly #coefficients: Int16Array;
  readonly #pairs: Int32Array;

  constructor(coefficients: Int16Array<ArrayBuffer>) {
    this.#coefficients = coefficients;
    this.#pairs = new Int32Array(coefficients.buffer);
  }

  /** True when all coefficients of the block but the first are zero. @param at index of the block's first coefficient */
  isFlat(at: number): boolean {
    if (this.#coefficients[at + 1] !== 0) return false;
    const pairs = this.#pairs;
    for (let i = at / 2 + 1, end = i + 31; i < end; i++) if (pairs[i] !== 0) return false;
    return true;
  }
}
