// Writes GIFs block by block, so that each part can be unusual.
import type { Scene } from "./scene.ts";

export interface GifFrame {
  left?: number;
  top?: number;
  width: number;
  height: number;
  /** Palette index of each pixel. */
  indices: readonly number[];
  disposal?: number;
  transparentIndex?: number;
  isInterlaced?: boolean;
  localPalette?: readonly (readonly number[])[];
  /** Bytes after the frame. */
  after?: Buffer;
}

export interface GifForm {
  width: number;
  height: number;
  palette: readonly (readonly number[])[];
  frames: readonly GifFrame[];
  backgroundIndex?: number;
  /** Size of a root code in bits, 8 unless it is unusual. */
  rootBits?: number;
  /** All bytes after the last frame. */
  end?: Buffer;
}

export const TRAILER = 0x3b;

export function makeGif(form: GifForm): Buffer {
  const {
    width,
    height,
    palette,
    frames,
    backgroundIndex = 0,
    rootBits = 8,
    end = Buffer.of(TRAILER),
  } = form;
  const head = Buffer.alloc(13);
  head.write("GIF89a", "latin1");
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  head[10] = palette.length > 0 ? 0x80 | 0x70 | (tableBits(palette) - 1) : 0x70;
  head[11] = backgroundIndex;
  const parts = frames.map((frame) => frameBytes(frame, rootBits));
  return Buffer.concat([head, tableBytes(palette), ...parts, end]);
}

function frameBytes(frame: GifFrame, rootBits: number): Buffer {
  const { left = 0, top = 0, width, height, indices, disposal = 0, transparentIndex, localPalette } = frame;
  const hasTransparency = transparentIndex !== undefined;
  const control = Buffer.from([
    0x21,
    0xf9,
    4,
    (disposal << 2) | Number(hasTransparency),
    10,
    0,
    transparentIndex ?? 0,
    0,
  ]);
  const head = Buffer.alloc(10);
  head[0] = 0x2c;
  [left, top, width, height].forEach((value, i) => head.writeUInt16LE(value, 1 + 2 * i));
  head[9] = (frame.isInterlaced ? 0x40 : 0) | (localPalette ? 0x80 | (tableBits(localPalette) - 1) : 0);
  return Buffer.concat([
    control,
    head,
    localPalette ? tableBytes(localPalette) : Buffer.alloc(0),
    Buffer.of(rootBits),
    subBlocks(lzw(frame.isInterlaced ? interlaced(indices, width, height) : indices, rootBits)),
    frame.after ?? Buffer.alloc(0),
  ]);
}

function tableBits(palette: readonly unknown[]): number {
  return Math.max(1, Math.ceil(Math.log2(palette.length)));
}

function tableBytes(palette: readonly (readonly number[])[]): Buffer {
  if (palette.length === 0) return Buffer.alloc(0);
  const table = Buffer.alloc(3 * 2 ** tableBits(palette));
  palette.forEach((colour, i) => table.set(colour, 3 * i));
  return table;
}

function interlaced(indices: readonly number[], width: number, height: number): number[] {
  const passes = [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const;
  return passes.flatMap(([start, step]) => {
    const rows: number[] = [];
    for (let y = start; y < height; y += step) rows.push(...indices.slice(y * width, (y + 1) * width));
    return rows;
  });
}

/** Compresses palette indices. Source: the GIF89a specification, appendix F. */
function lzw(indices: readonly number[], rootBits: number): Buffer {
  const [clear, end] = [1 << rootBits, (1 << rootBits) + 1];
  const bytes: number[] = [];
  let [held, heldBits, codeBits] = [0, 0, rootBits + 1];
  const write = (code: number) => {
    held |= code << heldBits;
    heldBits += codeBits;
    for (; heldBits >= 8; heldBits -= 8, held >>>= 8) bytes.push(held & 0xff);
  };
  let codes = new Map<number, number>();
  write(clear);
  let prefix = indices[0]!;
  for (const index of indices.slice(1)) {
    const key = prefix * 4096 + index;
    const code = codes.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    write(prefix);
    const next = end + 1 + codes.size;
    if (next < 4096) {
      codes.set(key, next);
      if (next === 1 << codeBits && codeBits < 12) codeBits += 1;
    } else {
      write(clear);
      codes = new Map();
      codeBits = rootBits + 1;
    }
    prefix = index;
  }
  write(prefix);
  write(end);
  if (heldBits > 0) bytes.push(held & 0xff);
  return Buffer.from(bytes);
}

function subBlocks(data: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.subarray(at, at + 255);
    blocks.push(Buffer.of(part.length), part);
  }
  return Buffer.concat([...blocks, Buffer.of(0)]);
}

/** An extension with a label, such as 0xfe for a comment. */
export function extension(label: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x21, label]), subBlocks(data)]);
}

/** The palette of a scene, and the palette index of each pixel. Transparent pixels have the last index. */
export function indexed({ width, height, colourAt }: Scene): {
  palette: number[][];
  indices: number[];
  transparentIndex: number;
} {
  const names = new Map<string, number>();
  const palette: number[][] = [];
  const found: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue, alpha] = colourAt(x, y);
      const colour = [red, green, blue].map((part) => Math.round(part * 255));
      if (alpha === 1 && !names.has(colour.join())) {
        names.set(colour.join(), palette.length);
        palette.push(colour);
      }
      found.push(alpha === 1 ? names.get(colour.join())! : -1);
    }
  }
  const transparentIndex = palette.length;
  return {
    palette: [...palette, [1, 2, 3]],
    indices: found.map((i) => (i < 0 ? transparentIndex : i)),
    transparentIndex,
  };
}
