// Sets the coefficients of a JPEG upright. The blocks change places and their coefficients change signs, so that no
// pixel changes. If a side that has to be mirrored ends within a coded unit, the samples are decoded and encoded again.
import { tooComplex } from "../too-complex.ts";
import { setSamples, toSamples } from "./dct.ts";
import { BLOCK, BlockScanner, type CodedPicture, type Component } from "./layout.ts";

/** 20 megapixels in 4:2:0. Encoding more samples again would take more than two seconds. */
const MAX_TRANSFORMED_SAMPLES = 30_000_000;

/** How a stored picture has to be changed: mirrored in the stored directions, then transposed. */
interface Turn {
  mirrorsColumns: boolean;
  mirrorsRows: boolean;
  isTransposed: boolean;
}

/**
 * @param orientation 1 to 8, see EXIF 2.32, section 4.6.4
 * @throws IMAGE_TOO_COMPLEX when too many samples have to be encoded again
 */
export function turnUpright(picture: CodedPicture, orientation: number): CodedPicture {
  if (orientation === 1) return picture;
  const turn = {
    mirrorsColumns: [2, 3, 7, 8].includes(orientation),
    mirrorsRows: [3, 4, 6, 7].includes(orientation),
    isTransposed: orientation >= 5,
  };
  const { widthPx, heightPx, components } = picture;
  const [maxHorizontal, maxVertical] = (["horizontal", "vertical"] as const).map((side) =>
    components.length === 1 ? 1 : Math.max(...components.map((component) => component[side])),
  ) as [number, number];
  const isWhole =
    (!turn.mirrorsColumns || widthPx % (8 * maxHorizontal) === 0) &&
    (!turn.mirrorsRows || heightPx % (8 * maxVertical) === 0);
  const sampleCount = components.reduce((sum, one) => sum + one.widthPx * one.heightPx, 0);
  if (!isWhole && sampleCount > MAX_TRANSFORMED_SAMPLES)
    throw tooComplex("samples that have to be turned", MAX_TRANSFORMED_SAMPLES, sampleCount);
  const [width, height] = turn.isTransposed ? [heightPx, widthPx] : [widthPx, heightPx];
  return {
    widthPx: width,
    heightPx: height,
    // Turns one component after the other, so that only one of them is in memory twice.
    components: components.map((component) => (isWhole ? turnBlocks : turnSamples)(component, turn)),
  };
}

function turnBlocks(component: Component, turn: Turn): Component {
  const turned = emptyTurned(component, turn);
  const { columns, rows, coefficients } = component;
  const { positions, signs } = coefficientsAfter(turn);
  const scanner = new BlockScanner(coefficients);
  const result = turned.coefficients;
  for (let row = 0; row < turned.rows; row++) {
    for (let column = 0; column < turned.columns; column++) {
      const [x, y] = turn.isTransposed ? [row, column] : [column, row];
      const sourceColumn = turn.mirrorsColumns ? columns - 1 - x : x;
      const sourceRow = turn.mirrorsRows ? rows - 1 - y : y;
      const from = (sourceRow * columns + sourceColumn) * BLOCK;
      const to = (row * turned.columns + column) * BLOCK;
      result[to] = coefficients[from]!;
      if (scanner.isFlat(from)) continue;
      for (let i = 1; i < BLOCK; i++) result[to + i] = coefficients[from + positions[i]!]! * signs[i]!;
    }
  }
  component.coefficients = new Int16Array(0);
  return turned;
}

/** Returns the source and the sign of each coefficient of a turned block. Mirroring changes the sign of odd frequencies. */
function coefficientsAfter({ mirrorsColumns, mirrorsRows, isTransposed }: Turn): {
  positions: Uint8Array;
  signs: Int8Array;
} {
  const [positions, signs] = [new Uint8Array(BLOCK), new Int8Array(BLOCK)];
  for (let i = 0; i < BLOCK; i++) {
    const [x, y] = isTransposed ? [i >> 3, i & 7] : [i & 7, i >> 3];
    positions[i] = 8 * y + x;
    const isNegative = (mirrorsColumns && x % 2 === 1) !== (mirrorsRows && y % 2 === 1);
    signs[i] = isNegative ? -1 : 1;
  }
  return { positions, signs };
}

function turnSamples(component: Component, turn: Turn): Component {
  const { widthPx, heightPx } = component;
  const samples = toSamples(component);
  component.coefficients = new Int16Array(0);
  const turned = emptyTurned(component, turn);
  const turnedSamples = new Uint8Array(samples.length);
  const [columnStep, rowStep] = [turn.mirrorsColumns ? -1 : 1, turn.mirrorsRows ? -widthPx : widthPx];
  const first = (turn.mirrorsColumns ? widthPx - 1 : 0) + (turn.mirrorsRows ? (heightPx - 1) * widthPx : 0);
  const [along, down] = turn.isTransposed ? [rowStep, columnStep] : [columnStep, rowStep];
  for (let row = 0, to = 0; row < turned.heightPx; row++) {
    let from = first + row * down;
    for (let column = 0; column < turned.widthPx; column++, to++, from += along)
      turnedSamples[to] = samples[from]!;
  }
  setSamples(turned, turnedSamples);
  return turned;
}

function emptyTurned(component: Component, { isTransposed }: Turn): Component {
  const { horizontal, vertical, widthPx, heightPx, columns, rows, divisors } = component;
  const coefficients = new Int16Array(columns * rows * BLOCK);
  if (!isTransposed) return { ...component, coefficients };
  return {
    ...component,
    horizontal: vertical,
    vertical: horizontal,
    widthPx: heightPx,
    heightPx: widthPx,
    columns: rows,
    rows: columns,
    divisors: divisors.map((_, i) => divisors[8 * (i & 7) + (i >> 3)]!),
    coefficients,
  };
}
