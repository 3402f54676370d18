// The cosine transform of blocks, in both directions. Source: ITU-T T.81, annex A.3.3.
import { BLOCK, BlockScanner, type Component } from "./layout.ts";

/** Half the cosine of k × π / 16, so that two passes scale as the standard says. */
const [, C1, C2, C3, C4, C5, C6, C7] = Array.from(
  { length: 8 },
  (_, k) => Math.cos((k * Math.PI) / 16) / 2,
) as [number, number, number, number, number, number, number, number];

const LEVEL_SHIFT = 128;

/** Larger than the magnitude of any coefficient. */
const ROUNDING = 1 << 20;

const block = new Float64Array(BLOCK);

/** Decodes the samples of a component, row by row. */
export function toSamples(component: Component): Uint8Array {
  const { columns, rows, widthPx, heightPx, coefficients, divisors } = component;
  const samples = new Uint8Array(widthPx * heightPx);
  const scanner = new BlockScanner(coefficients);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * BLOCK;
      if (scanner.isFlat(from)) {
        block.fill((coefficients[from]! * divisors[0]!) / 8);
      } else {
        for (let i = 0; i < BLOCK; i++) block[i] = coefficients[from + i]! * divisors[i]!;
        for (let i = 0; i < 8; i++) inverse(i, 8);
        for (let i = 0; i < BLOCK; i += 8) inverse(i, 1);
      }
      const [width, height] = [Math.min(8, widthPx - 8 * column), Math.min(8, heightPx - 8 * row)];
      for (let y = 0; y < height; y++) {
        const to = (8 * row + y) * widthPx + 8 * column;
        for (let x = 0; x < width; x++) {
          const sample = (block[8 * y + x]! + (LEVEL_SHIFT + 0.5)) | 0;
          samples[to + x] = sample < 0 ? 0 : sample > 255 ? 255 : sample;
        }
      }
    }
  }
  return samples;
}

/** Sets the coefficients of a component. The last row and column of samples are repeated to fill the last blocks. */
export function setSamples(component: Component, samples: Uint8Array): void {
  const { columns, rows, widthPx, heightPx, coefficients, divisors } = component;
  const factors = Float64Array.from(divisors, (divisor) => 1 / divisor);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [right, bottom] = [widthPx - 1 - 8 * column, heightPx - 1 - 8 * row];
      const corner = 8 * row * widthPx + 8 * column;
      let differences = 0;
      for (let y = 0; y < 8; y++) {
        const from = corner + Math.min(y, bottom) * widthPx;
        for (let x = 0; x < 8; x++) {
          const sample = samples[from + (x < right ? x : right)]!;
          block[8 * y + x] = sample - LEVEL_SHIFT;
          differences |= sample ^ samples[corner]!;
        }
      }
      const to = (row * columns + column) * BLOCK;
      if (differences === 0) {
        coefficients[to] = Math.round(8 * block[0]! * factors[0]!);
        continue;
      }
      for (let i = 0; i < BLOCK; i += 8) forward(i, 1);
      for (let i = 0; i < 8; i++) forward(i, 8);
      // Faster than Math.round: the sum is positive, so cutting off its fraction rounds.
      for (let i = 0; i < BLOCK; i++)
        coefficients[to + i] = ((block[i]! * factors[i]! + (ROUNDING + 0.5)) | 0) - ROUNDING;
    }
  }
}

/** Transforms eight values of the block: those at `at`, `at + step` and so on. */
function inverse(at: number, step: number): void {
  const f1 = block[at + step]!,
    f2 = block[at + 2 * step]!,
    f3 = block[at + 3 * step]!;
  const f5 = block[at + 5 * step]!,
    f6 = block[at + 6 * step]!,
    f7 = block[at + 7 * step]!;
  const sum = (block[at]! + block[at + 4 * step]!) * C4;
  const difference = (block[at]! - block[at + 4 * step]!) * C4;
  const outer = f2 * C2 + f6 * C6;
  const inner = f2 * C6 - f6 * C2;
  const odd0 = f1 * C1 + f3 * C3 + f5 * C5 + f7 * C7;
  const odd1 = f1 * C3 - f3 * C7 - f5 * C1 - f7 * C5;
  const odd2 = f1 * C5 - f3 * C1 + f5 * C7 + f7 * C3;
  const odd3 = f1 * C7 - f3 * C5 + f5 * C3 - f7 * C1;
  block[at] = sum + outer + odd0;
  block[at + 7 * step] = sum + outer - odd0;
  block[at + step] = difference + inner + odd1;
  block[at + 6 * step] = difference + inner - odd1;
  block[at + 2 * step] = difference - inner + odd2;
  block[at + 5 * step] = difference - inner - odd2;
  block[at + 3 * step] = sum - outer + odd3;
  block[at + 4 * step] = sum - outer - odd3;
}

function forward(at: number, step: number): void {
  const s0 = block[at]! + block[at + 7 * step]!,
    d0 = block[at]! - block[at + 7 * step]!;
  const s1 = block[at + step]! + block[at + 6 * step]!,
    d1 = block[at + step]! - block[at + 6 * step]!;
  const s2 = block[at + 2 * step]! + block[at + 5 * step]!,
    d2 = block[at + 2 * step]! - block[at + 5 * step]!;
  const s3 = block[at + 3 * step]! + block[at + 4 * step]!,
    d3 = block[at + 3 * step]! - block[at + 4 * step]!;
  block[at] = (s0 + s1 + s2 + s3) * C4;
  block[at + 4 * step] = (s0 - s1 - s2 + s3) * C4;
  block[at + 2 * step] = (s0 - s3) * C2 + (s1 - s2) * C6;
  block[at + 6 * step] = (s0 - s3) * C6 - (s1 - s2) * C2;
  block[at + step] = d0 * C1 + d1 * C3 + d2 * C5 + d3 * C7;
  block[at + 3 * step] = d0 * C3 - d1 * C7 - d2 * C1 - d3 * C5;
  block[at + 5 * step] = d0 * C5 - d1 * C1 + d2 * C7 + d3 * C3;
  block[at + 7 * step] = d0 * C7 - d1 * C5 + d2 * C3 - d3 * C1;
}
