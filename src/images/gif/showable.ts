// Gives a GIF a transparent first frame that covers its whole screen. Without one, the decoder shows parts without a
// frame in black, and takes the size of the first frame for that of some screens, such as 640 × 480.
import {
  COLOUR_TABLE_FLAG,
  colourTableBytes,
  CONTROL_FLAGS_AT,
  disposalOf,
  EXTENSION,
  GRAPHIC_CONTROL,
  HEADER_BYTES,
  IMAGE,
  IMAGE_DESCRIPTOR_BYTES,
  SCREEN_END,
  SCREEN_FLAGS_AT,
} from "./layout.ts";
import { findUnusedColour, joinSubBlocks, splitIntoSubBlocks } from "./lzw.ts";

const ROOT_BITS = 2;
const CLEAR_CODE = 1 << ROOT_BITS;
const END_CODE = CLEAR_CODE + 1;
const MAX_CODES = 1 << 12;

/** A graphic control for a frame without delay whose colour 0 is transparent. */
const transparency = Buffer.from([EXTENSION, GRAPHIC_CONTROL, 4, 1, 0, 0, 0, 0]);

/** The two colours of the added frame. */
const colourTable = Buffer.alloc(6);

/** Position of the transparent colour in a graphic control. */
const TRANSPARENT_COLOUR_AT = 6;

const TRANSPARENCY_FLAG = 1;
const CLEARS_FRAME = 2;

/**
 * @param bytes a GIF without metadata
 * @returns the GIF, and the number of frames that were added before its first one
 */
export function showableGif(bytes: Buffer): { bytes: Buffer; firstFrame: number } {
  const framesAt = SCREEN_END + colourTableBytes(bytes[SCREEN_FLAGS_AT]!);
  const [width, height] = [bytes.readUInt16LE(HEADER_BYTES), bytes.readUInt16LE(HEADER_BYTES + 2)];
  const frames = readFrames(bytes, framesAt);
  const [first] = frames;
  const isCovered = first!.left === 0 && first!.top === 0 && first!.width >= width && first!.height >= height;
  const clears = frames.some(({ disposal }) => disposal >= CLEARS_FRAME);
  if (isCovered && !clears) return { bytes, firstFrame: 0 };
  // Browsers enlarge the screen to fit the first frame.
  const blank = blankFrame(
    Math.max(width, first!.left + first!.width),
    Math.max(height, first!.top + first!.height),
  );
  const changed = Buffer.from(bytes);
  for (const { disposal, controlAt, rootBits, blocks } of frames) {
    // The decoder clears a frame with the background colour, unless the frame has a transparent colour.
    const isCleared =
      disposal === CLEARS_FRAME && (bytes[controlAt + CONTROL_FLAGS_AT]! & TRANSPARENCY_FLAG) === 0;
    if (!isCleared) continue;
    const unused = findUnusedColour(joinSubBlocks(blocks), rootBits);
    if (unused === null) continue;
    changed[controlAt + CONTROL_FLAGS_AT]! |= TRANSPARENCY_FLAG;
    changed[controlAt + TRANSPARENT_COLOUR_AT] = unused;
  }
  return {
    bytes: Buffer.concat([changed.subarray(0, framesAt), blank, changed.subarray(framesAt)]),
    firstFrame: 1,
  };
}

interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  /** The disposal method of the frame; 0 without a graphic control. */
  disposal: number;
  controlAt: number;
  /** Size of its root codes in bits. */
  rootBits: number;
  /** Its compressed pixels, in sub-blocks. */
  blocks: Buffer;
}

function readFrames(bytes: Buffer, framesAt: number): Frame[] {
  const frames: Frame[] = [];
  const skipSubBlocks = (start: number): number => {
    let end = start;
    while (bytes[end]! > 0) end += 1 + bytes[end]!;
    return end + 1;
  };
  let control = { disposal: 0, controlAt: 0 };
  for (let at = framesAt; bytes[at] === IMAGE || bytes[at] === EXTENSION;) {
    if (bytes[at] === EXTENSION) {
      if (bytes[at + 1] === GRAPHIC_CONTROL)
        control = { disposal: disposalOf(bytes.subarray(at)), controlAt: at };
      at = skipSubBlocks(at + 2);
      continue;
    }
    const [left, top, width, height] = [1, 3, 5, 7].map((offset) => bytes.readUInt16LE(at + offset));
    const ownTableBytes = colourTableBytes(bytes[at + IMAGE_DESCRIPTOR_BYTES - 1]!);
    const rootBitsAt = at + IMAGE_DESCRIPTOR_BYTES + ownTableBytes;
    const end = skipSubBlocks(rootBitsAt + 1);
    frames.push({
      left: left!,
      top: top!,
      width: width!,
      height: height!,
      rootBits: bytes[rootBitsAt]!,
      blocks: bytes.subarray(rootBitsAt + 1, end),
      ...control,
    });
    control = { disposal: 0, controlAt: 0 };
    at = end;
  }
  return frames;
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
