// Makes colour profiles that tell the decoder which colours the samples of a picture stand for.
// Source: ICC.1:2022, sections 7, 9.2, 10.6 and 10.31.

/** Turns a sample from 0 to 1 into light from 0 to 1. */
export type Transfer = (sample: number) => number;

/** CIE x and y of white, red, green and blue. */
export type Chromaticities = readonly [white: Point, red: Point, green: Point, blue: Point];
export type Point = readonly [x: number, y: number];

export const D65: Point = [0.3127, 0.329];

export const srgb: Chromaticities = [D65, [0.64, 0.33], [0.3, 0.6], [0.15, 0.06]];

export const fromSrgb: Transfer = (sample) =>
  sample <= 0.040_45 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4;

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

const HEADER_BYTES = 128;
const TAG_BYTES = 12;
const VERSION_2_4 = 0x02400000;
const CURVE_LENGTH = 4096;

/** The white of all profiles. */
const D50: Vector = [0.9642, 1, 0.8249];

/** The Bradford transform: from XYZ to the responses of the eye's cones. */
const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

const srgbMatrix = toMatrix(srgb);

export function makeGreyProfile(transfer: Transfer): Buffer {
  return assemble("GRAY", [["kTRC", encodeCurve(transfer)]]);
}

export function makeRgbProfile(chromaticities: Chromaticities, transfer: Transfer): Buffer {
  const matrix = toMatrix(chromaticities);
  const curve = encodeCurve(transfer);
  const columns = ["r", "g", "b"].map((letter, i) => {
    const column = matrix.map((row) => row[i]!) as unknown as Vector;
    return [`${letter}XYZ`, encodeXyz(column)] as const;
  });
  return assemble("RGB ", [...columns, ["rTRC", curve], ["gTRC", curve], ["bTRC", curve]]);
}

/** Points of the table in each direction. Between them, the decoder interpolates. */
const GRID_POINTS = 13;

/** @param toSrgb turns amounts of ink from 0 to 1 into red, green and blue of sRGB from 0 to 1 */
export function makeCmykProfile(toSrgb: (inks: readonly number[]) => readonly number[]): Buffer {
  const head = Buffer.from([...Buffer.from("mft2\0\0\0\0", "latin1"), 4, 3, GRID_POINTS, 0]);
  const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1].flatMap((value) => [0, value, 0, 0]);
  const [inputs, outputs] = [4, 3].map((count) =>
    Buffer.concat(Array.from({ length: count }, () => Buffer.from([0, 0, 0xff, 0xff]))),
  ) as [Buffer, Buffer];
  const table = Buffer.alloc(GRID_POINTS ** 4 * 6);
  for (let i = 0; i < GRID_POINTS ** 4; i++) {
    const inks = [3, 2, 1, 0].map(
      (power) => (Math.floor(i / GRID_POINTS ** power) % GRID_POINTS) / (GRID_POINTS - 1),
    );
    const [lightness, a, b] = toLab(toSrgb(inks));
    table.writeUInt16BE(Math.round((lightness! * 0xff00) / 100), 6 * i);
    table.writeUInt16BE(Math.round((a! + 128) * 256), 6 * i + 2);
    table.writeUInt16BE(Math.round((b! + 128) * 256), 6 * i + 4);
  }
  const data = Buffer.concat([head, Buffer.from([...identity, 0, 2, 0, 2]), inputs, table, outputs]);
  return assemble("CMYK", [["A2B0", data]], "Lab ");
}

/** CIE L*a*b* of a colour of sRGB. */
function toLab(srgb: readonly number[]): number[] {
  const light = srgb.map(fromSrgb) as unknown as Vector;
  const [x, y, z] = multiply(srgbMatrix, light).map((part, i) => {
    const ratio = part / D50[i]!;
    return ratio > 216 / 24_389 ? Math.cbrt(ratio) : (ratio * (24_389 / 27) + 16) / 116;
  }) as unknown as Vector;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Returns the matrix from light in red, green and blue to XYZ, adapted to the white of profiles. */
function toMatrix([white, ...primaries]: Chromaticities): Matrix {
  const columns = transpose(primaries.map(toXyz) as unknown as Matrix);
  const amounts = multiply(invert(columns), toXyz(white));
  const [from, to] = [multiply(bradford, toXyz(white)), multiply(bradford, D50)];
  const adapted = bradford.map((row, i) =>
    row.map((part) => (part * to[i]!) / from[i]!),
  ) as unknown as Matrix;
  const unadapted = columns.map((row) => row.map((part, i) => part * amounts[i]!)) as unknown as Matrix;
  const cones = transpose(
    transpose(unadapted).map((column) => multiply(adapted, column)) as unknown as Matrix,
  );
  return transpose(transpose(cones).map((column) => multiply(invert(bradford), column)) as unknown as Matrix);
}

function toXyz([x, y]: Point): Vector {
  return [x / y, 1, (1 - x - y) / y];
}

function multiply(matrix: Matrix, vector: Vector): Vector {
  return matrix.map((row) => row.reduce((sum, part, i) => sum + part * vector[i]!, 0)) as unknown as Vector;
}

function transpose(matrix: Matrix): Matrix {
  return [0, 1, 2].map((i) => matrix.map((row) => row[i]!)) as unknown as Matrix;
}

function invert([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return adjugate.map((row) => row.map((part) => part / determinant)) as unknown as Matrix;
}

function assemble(
  colourSpace: string,
  colourTags: readonly (readonly [string, Buffer])[],
  connection = "XYZ ",
): Buffer {
  const tags = [["wtpt", encodeXyz(D50)] as const, ...colourTags];
  const head = Buffer.alloc(HEADER_BYTES + 4 + TAG_BYTES * tags.length);
  const parts: Buffer[] = [head];
  let length = head.length;
  const placed = new Map<Buffer, number>();
  tags.forEach(([name, data], i) => {
    if (!placed.has(data)) {
      placed.set(data, length);
      parts.push(data);
      length += data.length;
    }
    const at = HEADER_BYTES + 4 + TAG_BYTES * i;
    head.write(name, at, "latin1");
    head.writeUInt32BE(placed.get(data)!, at + 4);
    head.writeUInt32BE(data.length, at + 8);
  });
  head.writeUInt32BE(length, 0);
  head.writeUInt32BE(VERSION_2_4, 8);
  head.write(`mntr${colourSpace}${connection}`, 12, "latin1");
  head.write("acsp", 36, "latin1");
  encodeXyz(D50).copy(head, 68, 8);
  head.writeUInt32BE(tags.length, HEADER_BYTES);
  return Buffer.concat(parts);
}

function encodeXyz(vector: Vector): Buffer {
  const data = Buffer.alloc(20);
  data.write("XYZ ", "latin1");
  vector.forEach((value, i) =>
    data.writeInt32BE(Math.round(Math.min(Math.max(value, -32_768), 32_767) * 65_536), 8 + 4 * i),
  );
  return data;
}

function encodeCurve(transfer: Transfer): Buffer {
  const data = Buffer.alloc(12 + 2 * CURVE_LENGTH);
  data.write("curv", "latin1");
  data.writeUInt32BE(CURVE_LENGTH, 8);
  for (let i = 0; i < CURVE_LENGTH; i++) {
    const light = Math.min(1, Math.max(0, transfer(i / (CURVE_LENGTH - 1))));
    data.writeUInt16BE(Math.round(light * 65_535), 12 + 2 * i);
  }
  return data;
}
