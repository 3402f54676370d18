// Finds which colours the samples of a PNG stand for, as browsers do: the first of cICP, iCCP, sRGB, and gAMA with cHRM.
// Source: PNG specification, third edition, chapters 4.3 and 11.3.2; ITU-T H.273, chapter 8; measured in Chromium.
import {
  D65,
  fromSrgb,
  makeGreyProfile,
  makeRgbProfile,
  srgb,
  type Chromaticities,
  type Transfer,
} from "../colour-profile.ts";

/** Types of the chunks that say which colours the samples stand for. */
export const colourTypes: ReadonlySet<string> = new Set([
  "cICP",
  "iCCP",
  "sRGB",
  "gAMA",
  "cHRM",
  "mDCV",
  "cLLI",
]);

const C = [0.31, 0.316] as const;

const smpte170: Chromaticities = [D65, [0.63, 0.34], [0.31, 0.595], [0.155, 0.07]];

/** The primaries by their number in H.273. */
const primaries = new Map<number, Chromaticities>([
  [1, srgb],
  [4, [C, [0.67, 0.33], [0.21, 0.71], [0.14, 0.08]]],
  [5, [D65, [0.64, 0.33], [0.29, 0.6], [0.15, 0.06]]],
  [6, smpte170],
  [7, smpte170],
  [8, [C, [0.681, 0.319], [0.243, 0.692], [0.145, 0.049]]],
  [9, [D65, [0.708, 0.292], [0.17, 0.797], [0.131, 0.046]]],
  [
    11,
    [
      [0.314, 0.351],
      [0.68, 0.32],
      [0.265, 0.69],
      [0.15, 0.06],
    ],
  ],
  [12, [D65, [0.68, 0.32], [0.265, 0.69], [0.15, 0.06]]],
  [22, [D65, [0.63, 0.34], [0.295, 0.605], [0.155, 0.077]]],
]);

const power =
  (exponent: number): Transfer =>
  (sample) =>
    sample ** exponent;

/**
 * The grey, 0 to 255, that a screen without HDR shows for samples in steps of 1/32. Measured in Chromium, which reduces
 * bright light to the range of the screen.
 */
const shownOfPq = [
  [0, 0, 1, 2, 5, 9, 15, 22, 30, 38, 48, 58, 70, 83, 98, 114, 132],
  [151, 172, 194, 211, 224, 235, 245, 252, 255, 255, 255, 255, 255, 255, 255, 255],
].flat();
const shownOfHlg = [
  [0, 1, 3, 8, 14, 21, 29, 36, 43, 50, 57, 64, 71, 78, 85, 92, 99],
  [106, 114, 124, 134, 145, 158, 172, 187, 200, 210, 219, 227, 235, 242, 249, 255],
].flat();

/** The transfer function of BT.709 and similar standards. Browsers use that of a studio display instead. */
const BT_1886 = power(2.4);

/** The transfer functions by their number in H.273. */
const transfers = new Map<number, Transfer>([
  [1, BT_1886],
  [4, power(2.2)],
  [5, power(2.8)],
  [6, BT_1886],
  [7, (sample) => (sample < 0.0913 ? sample / 4 : ((sample + 0.1115) / 1.1115) ** (1 / 0.45))],
  [8, power(1)],
  [13, fromSrgb],
  [14, BT_1886],
  [15, BT_1886],
  [16, shown(shownOfPq)],
  [17, (sample) => (52.37 / 48) * sample ** 2.6],
  [18, shown(shownOfHlg)],
]);

function shown(table: readonly number[]): Transfer {
  return (sample) => {
    const at = sample * (table.length - 1);
    const [below, above] = [table[Math.floor(at)]!, table[Math.ceil(at)]!];
    return fromSrgb((below + (above - below) * (at % 1)) / 255);
  };
}

/** The factor of the numbers in gAMA and cHRM. */
const UNIT = 100_000;

/** The gamma that programs write for sRGB. Without a cHRM chunk, this gamma stands for sRGB. */
const GAMMA_OF_SRGB = 45_455;

/** The samples are red, green and blue, and not, for example, light and colour differences. */
const RGB_MATRIX = 0;

/**
 * @param dataOf returns the data of a chunk
 * @returns a colour profile; null when the samples are sRGB, or when the PNG's own profile says what they are
 */
export function profileOf(dataOf: (type: string) => Buffer | undefined, isGrey: boolean): Buffer | null {
  const codePoints = dataOf("cICP");
  if (codePoints) {
    const [colours, transfer] = [primaries.get(codePoints[0]!), transfers.get(codePoints[1]!)];
    if (colours && transfer && codePoints[2] === RGB_MATRIX) return toProfile(colours, transfer, isGrey);
  }
  const gamma = dataOf("gAMA")?.readUInt32BE(0) ?? 0;
  const isSrgb = dataOf("sRGB") || (gamma === GAMMA_OF_SRGB && !dataOf("cHRM"));
  if (dataOf("iCCP") || isSrgb || gamma === 0) return null;
  return toProfile(readChromaticities(dataOf("cHRM")) ?? srgb, power(UNIT / gamma), isGrey);
}

function toProfile(colours: Chromaticities, transfer: Transfer, isGrey: boolean): Buffer {
  return isGrey ? makeGreyProfile(transfer) : makeRgbProfile(colours, transfer);
}

/** Returns null for points that do not span a triangle of colours. */
function readChromaticities(data: Buffer | undefined): Chromaticities | null {
  if (!data) return null;
  const points = [0, 1, 2, 3].map((i) => {
    const [x, y] = [data.readUInt32BE(8 * i), data.readUInt32BE(8 * i + 4)];
    return [x / UNIT, y / UNIT] as const;
  });
  const [, [redX, redY], [greenX, greenY], [blueX, blueY]] = points as unknown as Chromaticities;
  const area = (greenX - redX) * (blueY - redY) - (blueX - redX) * (greenY - redY);
  const isValid = Math.abs(area) > 0.001 && points.every(([x, y]) => y > 0 && x + y <= 1);
  return isValid ? (points as unknown as Chromaticities) : null;
}
