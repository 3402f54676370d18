// The header of a PNG, and which other chunks say something of a picture that has it. Called by `png/chunks.ts`
// and `png/pixels.ts`. Source: PNG specification, third edition, chapter 11.
import { unreadable } from "../unreadable.ts";

const HEADER_BYTES = 13;

const GREY = 0;
const RGB = 2;
export const PALETTE = 3;

/** Samples of a pixel by colour type: grey, RGB, palette, grey and alpha, RGBA. */
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
  isInterlaced: boolean;
}

/** @throws UNREADABLE_IMAGE for what is no header */
export function readPngHeader(data: Buffer): PngHeader {
  const samplesPerPixel = samplesByColourType.get(data[9] ?? -1);
  if (data.length !== HEADER_BYTES || samplesPerPixel === undefined)
    throw unreadable("PNG", "it has no header");
  if (data.readUInt32BE(0) === 0 || data.readUInt32BE(4) === 0) throw unreadable("PNG", "it has no pixels");
  if (![1, 2, 4, 8, 16].includes(data[8]!)) throw unreadable("PNG", "its bit depth is not known");
  return {
    widthPx: data.readUInt32BE(0),
    heightPx: data.readUInt32BE(4),
    bitDepth: data[8]!,
    colourType: data[9]!,
    samplesPerPixel,
    isInterlaced: data[12] === 1,
  };
}

/** Of the chunks that say something of any picture: how many bytes their data has. */
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
 * Whether a chunk decides how the picture looks. One that says nothing of a picture of this kind, or has not as
 * many bytes as it should, is passed over by a decoder, so it could carry anything.
 *
 * @param paletteBytes of the palette before it
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
    case "PLTE": // In a picture of another kind it is a hint for screens of 256 colours.
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
