// Gives a GIF a first frame that covers its whole screen. Without one, the decoder shows uncovered parts in black, and
// takes the size of the first frame for that of some screens, such as 640 × 480. Browsers show them transparent.
import { splitIntoSubBlocks } from "./lzw.ts";

const SCREEN_AT = 6;
const SCREEN_DESCRIPTOR_END = 13;
const IMAGE_DESCRIPTOR_BYTES = 10;

const EXTENSION = 0x21;
const IMAGE = 0x2c;

const ROOT_BITS = 2;
const CLEAR_CODE = 1 << ROOT_BITS;
const END_CODE = CLEAR_CODE + 1;
const MAX_CODES = 1 << 12;

/** A graphic control for a frame without delay whose colour 0 is transparent. */
const transparency = Buffer.from([EXTENSION, 0xf9, 4, 1, 0, 0, 0, 0]);

/** A colour table of its own, with two colours, and the size of the root codes. */
const COLOUR_TABLE_FLAG = 0x80;
const colourTable = Buffer.alloc(6);

/**
 * @param bytes a GIF without metadata
 * @returns the GIF, and the number of frames that were added before its first one
 */
export function showableGif(bytes: Buffer): { bytes: Buffer; firstFrame: number } {
  const framesAt = SCREEN_DESCRIPTOR_END + colourTableBytes(bytes[SCREEN_DESCRIPTOR_END - 3]!);
  const [width, height] = [bytes.readUInt16LE(SCREEN_AT), bytes.readUInt16LE(SCREEN_AT + 2)];
  const frame = readFirstFrame(bytes, framesAt);
  const isCovered = frame.left === 0 && frame.top === 0 && frame.width >= width && frame.height >= height;
  if (isCovered) return { bytes, firstFrame: 0 };
  // Browsers enlarge the screen to fit the first frame.
  const blank = blankFrame(
    Math.max(width, frame.left + frame.width),
    Math.max(height, frame.top + frame.height),
  );
  return {
    bytes: Buffer.concat([bytes.subarray(0, framesAt), blank, bytes.subarray(framesAt)]),
    firstFrame: 1,
  };
}

function readFirstFrame(
  bytes: Buffer,
  framesAt: number,
): { left: number; top: number; width: number; height: number } {
  let at = framesAt;
  while (bytes[at] !== IMAGE) {
    for (at += 2; bytes[at]! > 0;) at += 1 + bytes[at]!;
    at += 1;
  }
  const [left, top, width, height] = [1, 3, 5, 7].map((offset) => bytes.readUInt16LE(at + offset));
  return { left: left!, top: top!, width: width!, height: height! };
}

function blankFrame(width: number, height: number): Buffer {
  const descriptor = Buffer.alloc(IMAGE_DESCRIPTOR_BYTES);
  descriptor[0] = IMAGE;
  descriptor.writeUInt16LE(width, 5);
  descriptor.writeUInt16LE(height, 7);
  descriptor[9] = COLOUR_TABLE_FLAG;
  const pixels = splitIntoSubBlocks(compressZeros(width * height));
  return Buffer.concat([transparency, descriptor, colourTable, Buffer.of(ROOT_BITS), pixels]);
}

/** Each code of a run of equal pixels stands for one pixel more than the code before it. */
function compressZeros(pixelCount: number): Buffer {
  const bytes: number[] = [];
  let [held, heldBits, codeBits] = [0, 0, ROOT_BITS + 1];
  const write = (code: number) => {
    held |= code << heldBits;
    for (heldBits += codeBits; heldBits >= 8; heldBits -= 8, held >>>= 8) bytes.push(held & 0xff);
  };
  let pixelsLeft = pixelCount;
  while (pixelsLeft > 0) {
    write(CLEAR_CODE);
    codeBits = ROOT_BITS + 1;
    for (let length = 1; length < MAX_CODES - END_CODE && pixelsLeft > 0; length++) {
      const written = Math.min(length, pixelsLeft);
      const code = written === 1 ? 0 : END_CODE + written - 1;
      write(code);
      pixelsLeft -= written;
      // The decoder has a new code after each one but the first.
      if (END_CODE + length === 1 << codeBits && codeBits < 12) codeBits += 1;
    }
    if (pixelsLeft === 0) write(END_CODE);
    else codeBits = Math.min(codeBits, 12);
  }
  if (heldBits > 0) bytes.push(held & 0xff);
  return Buffer.from(bytes);
}

function colourTableBytes(packed: number): number {
  return packed & COLOUR_TABLE_FLAG ? 3 * 2 ** ((packed & 7) + 1) : 0;
}
