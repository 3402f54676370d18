// Writes PNGs of every colour type, depth and order, chunk by chunk.
import { deflateSync } from "node:zlib";

import { pngChunk } from "../../support/sample-images.ts";
import type { Scene } from "./scene.ts";

export type PngKind = "grey" | "rgb" | "palette" | "grey+alpha" | "rgba";

const colourTypes: Record<PngKind, number> = { grey: 0, rgb: 2, palette: 3, "grey+alpha": 4, rgba: 6 };

export interface PngForm {
  kind: PngKind;
  bitDepth: number;
  isInterlaced?: boolean;
  /** Chunks before the pixels, such as a colour profile. */
  chunks?: readonly Buffer[];
  /** Chunks after the pixels. */
  after?: readonly Buffer[];
  /** Changes the compressed pixels. */
  changeStream?: (zlibStream: Buffer, rows: Buffer) => Buffer;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const passes = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

export function makePng(scene: Scene, form: PngForm): Buffer {
  const { kind, bitDepth, isInterlaced = false, chunks = [], after = [], changeStream = (s) => s } = form;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(scene.width, 0);
  header.writeUInt32BE(scene.height, 4);
  header.set([bitDepth, colourTypes[kind], 0, 0, Number(isInterlaced)], 8);
  const palette = kind === "palette" ? paletteOf(scene, bitDepth) : null;
  const samplesAt = (x: number, y: number) => {
    const colour = scene.colourAt(x, y);
    if (palette) return [palette.indexOf(colour)];
    const [red, green, blue, alpha] = colour;
    const parts = {
      grey: [red],
      rgb: [red, green, blue],
      "grey+alpha": [red, alpha],
      rgba: [red, green, blue, alpha],
    };
    return parts[kind as Exclude<PngKind, "palette">].map((part) => Math.round(part * (2 ** bitDepth - 1)));
  };
  const rows = Buffer.concat(
    (isInterlaced ? passes : [{ x: 0, y: 0, dx: 1, dy: 1 }]).flatMap((pass) =>
      rowsOf(scene, pass, bitDepth, samplesAt),
    ),
  );
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    ...chunks,
    ...(palette ? palette.chunks : []),
    pngChunk("IDAT", changeStream(deflateSync(rows), rows)),
    ...after,
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function rowsOf(
  { width, height }: Scene,
  { x: startX, y: startY, dx, dy }: (typeof passes)[number],
  bitDepth: number,
  samplesAt: (x: number, y: number) => number[],
): Buffer[] {
  const rows: Buffer[] = [];
  if (startX >= width) return rows;
  for (let y = startY; y < height; y += dy) {
    const samples: number[] = [];
    for (let x = startX; x < width; x += dx) samples.push(...samplesAt(x, y));
    const row = Buffer.alloc(1 + Math.ceil((samples.length * bitDepth) / 8)); // The filter of each row is 0: none.
    samples.forEach((sample, i) => {
      if (bitDepth === 16) row.writeUInt16BE(sample, 1 + 2 * i);
      else row[1 + ((i * bitDepth) >> 3)]! |= sample << (8 - bitDepth - ((i * bitDepth) & 7));
    });
    rows.push(row);
  }
  return rows;
}

function paletteOf(
  scene: Scene,
  bitDepth: number,
): { indexOf: (colour: readonly number[]) => number; chunks: Buffer[] } {
  const colours: (readonly number[])[] = [];
  const indices = new Map<string, number>();
  for (let y = 0; y < scene.height; y++) {
    for (let x = 0; x < scene.width; x++) {
      const colour = scene.colourAt(x, y);
      if (indices.has(colour.join())) continue;
      indices.set(colour.join(), colours.length);
      if (colours.length < 2 ** bitDepth) colours.push(colour);
    }
  }
  const bytes = colours.map((colour) => colour.map((part) => Math.round(part * 255)));
  const chunks = [pngChunk("PLTE", Buffer.from(bytes.flatMap((colour) => colour.slice(0, 3))))];
  if (bytes.some((colour) => colour[3] !== 255))
    chunks.push(pngChunk("tRNS", Buffer.from(bytes.map((colour) => colour[3]!))));
  return { indexOf: (colour) => Math.min(indices.get(colour.join())!, colours.length - 1), chunks };
}

/** The file gamma, such as 1 / 2.2. */
export function gammaChunk(gamma: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(Math.round(gamma * 100_000));
  return pngChunk("gAMA", data);
}

/** x and y of the white point, red, green and blue. */
export function chromaticitiesChunk(points: readonly number[]): Buffer {
  const data = Buffer.alloc(32);
  points.forEach((point, i) => data.writeUInt32BE(Math.round(point * 100_000), 4 * i));
  return pngChunk("cHRM", data);
}

/** Colour primaries and transfer function by their numbers in ITU-T H.273. */
export function codePointsChunk(primaries: number, transfer: number): Buffer {
  return pngChunk("cICP", Buffer.from([primaries, transfer, 0, 1]));
}

export function profileChunk(profile: Buffer): Buffer {
  return pngChunk("iCCP", Buffer.concat([Buffer.from("profile\0\0", "latin1"), deflateSync(profile)]));
}

/** The chunk with a wrong checksum. */
export function withBadCrc(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk);
  copy[copy.length - 1]! ^= 0xff;
  return copy;
}
