// The header of a PNG, and the rules for which other chunks affect a picture with that header.
// Source: PNG specification, third edition, chapter 11.
import { unreadable } from "../unreadable.ts";

const HEADER_BYTES = 13;

const GREY = 0;
const RGB = 2;
export const PALETTE = 3;

/** Samples per pixel by colour type: grey, RGB, palette, grey and alpha, RGBA. */
const samplesByColourType = new Map([
  [GREY, 1],
  [RGB, 3],
  [PALETTE, 1],
  [4, 2],
  [6, 4],
]);

export interface PngHeader {
  widthPx: number;
  heightPx: number;
  bitDepth: number;
  colourType: number;
  samplesPerPixel: number;
  isGrey: boolean;
  isInterlaced: boolean;
}

/** @throws UNREADABLE_IMAGE when `data` is not a valid header */
export function readPngHeader(data: Buffer): PngHeader {
  const samplesPerPixel = samplesByColourType.get(data[9] ?? -1);
  if (data.length !== HEADER_BYTES || samplesPerPixel === undefined)
    throw unreadable("PNG", "its header is not valid");
  if (data.readUInt32BE(0) === 0 || data.readUInt32BE(4) === 0)
    throw unreadable("PNG", "its width or height is 0");
  if (![1, 2, 4, 8, 16].includes(data[8]!)) throw unreadable("PNG", "its bit depth is not valid");
  return {
    widthPx: data.readUInt32BE(0),
    heightPx: data.readUInt32BE(4),
    bitDepth: data[8]!,
    colourType: data[9]!,
    samplesPerPixel,
    isGrey: samplesPerPixel < 3 && data[9] !== PALETTE,
    isInterlaced: data[12] === 1,
  };
}

/** Chunks that apply to pictures of every colour type, with the length of their data in bytes. */
const chunkBytes = new Map([
  ["cHRM", 32],
  ["gAMA", 4],
  ["sRGB", 1],
  ["cICP", 4],
  ["mDCV", 24],
  ["cLLI", 8],
  ["pHYs", 9],
]);

/**
 * True for a chunk that affects how the picture looks. A decoder ignores a chunk that does not apply to the picture's
 * colour type or has a wrong length, so such a chunk could carry any data.
 *
 * @param paletteBytes length of the palette before the chunk
 */
export function isPictureChunk(type: string, data: Buffer, header: PngHeader, paletteBytes: number): boolean {
  const { colourType, samplesPerPixel } = header;
  const isPalette = colourType === PALETTE;
  switch (type) {
    case "IHDR":
    case "IDAT":
    case "iCCP":
      return true;
    case "IEND":
      return data.length === 0;
    case "PLTE": // For other colour types it is only a hint for screens with 256 colours.
      return isPalette && data.length <= 768;
    case "tRNS":
      if (isPalette) return data.length <= paletteBytes / 3;
      return (colourType === GREY || colourType === RGB) && data.length === 2 * samplesPerPixel;
    case "sBIT":
      return data.length === (isPalette ? 3 : samplesPerPixel);
    case "bKGD":
      if (isPalette) return data.length === 1;
      return data.length === (samplesPerPixel < 3 ? 2 : 6);
    default:
      return chunkBytes.get(type) === data.length;
  }
}
