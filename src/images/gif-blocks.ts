// Copies a GIF without its metadata, byte for byte: frames, their timing, the loop count and a colour profile
// stay, all else goes, and so does whatever follows the end of the image. Source: the GIF89a specification.
import { AppError } from "../errors.ts";

const HEADER_BYTES = 6;
const SCREEN_DESCRIPTOR_BYTES = 7;
const IMAGE_DESCRIPTOR_BYTES = 10;

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

const GRAPHIC_CONTROL = 0xf9;
const APPLICATION = 0xff;

/** Timing and transparency of a frame: introducer, label, four bytes in a sub-block, and the end. */
const GRAPHIC_CONTROL_BYTES = 8;

/**
 * Application extensions that change how the picture looks, how often it repeats and its colours, each with the
 * most bytes that it can need.
 */
const pictureApplications = new Map<string, number>([
  ["NETSCAPE2.0", 32],
  ["ANIMEXTS1.0", 32],
  ["ICCRGBG1012", Infinity],
]);

/** The packed field of a descriptor: whether a colour table follows, and how large it is. */
const COLOUR_TABLE_FLAG = 0x80;
const COLOUR_TABLE_SIZE = 0x07;

/**
 * The same picture without comments, plain text, XMP, foreign extensions and trailing bytes.
 *
 * @throws UNREADABLE_IMAGE when the file ends before its trailer or is not made of blocks
 */
export function stripGif(bytes: Buffer): Buffer {
  let offset = HEADER_BYTES + SCREEN_DESCRIPTOR_BYTES;
  if (offset > bytes.length) throw unreadable("it ends within its header");
  offset += colourTableBytes(bytes[HEADER_BYTES + 4]!);
  const kept: Buffer[] = [bytes.subarray(0, offset)];
  for (;;) {
    const start = offset;
    const kind = bytes[start];
    if (kind === TRAILER) {
      kept.push(bytes.subarray(start, start + 1));
      return Buffer.concat(kept);
    }
    if (kind === IMAGE) {
      offset = endOfImage(bytes, start);
      kept.push(bytes.subarray(start, offset));
    } else if (kind === EXTENSION) {
      offset = endOfSubBlocks(bytes, start + 2);
      const extension = bytes.subarray(start, offset);
      if (isPictureExtension(extension)) kept.push(extension);
    } else {
      throw unreadable(kind === undefined ? "it has no end" : `block ${kind.toString(16)} is not known`);
    }
  }
}

function endOfImage(bytes: Buffer, start: number): number {
  const packed = bytes[start + IMAGE_DESCRIPTOR_BYTES - 1];
  if (packed === undefined) throw unreadable("it ends within a frame");
  const codeSizeAt = start + IMAGE_DESCRIPTOR_BYTES + colourTableBytes(packed);
  return endOfSubBlocks(bytes, codeSizeAt + 1);
}

/** Sub-blocks start with their length; one of length zero ends them. */
function endOfSubBlocks(bytes: Buffer, start: number): number {
  for (let offset = start; ;) {
    const length = bytes[offset];
    if (length === undefined) throw unreadable("it ends within a block");
    offset += 1 + length;
    if (length === 0) return offset;
  }
}

function isPictureExtension(extension: Buffer): boolean {
  const label = extension[1];
  if (label === GRAPHIC_CONTROL) return extension.length === GRAPHIC_CONTROL_BYTES;
  if (label !== APPLICATION || extension[2] !== 11) return false;
  const maxBytes = pictureApplications.get(extension.toString("latin1", 3, 14));
  return maxBytes !== undefined && extension.length <= maxBytes;
}

function colourTableBytes(packed: number): number {
  return packed & COLOUR_TABLE_FLAG ? 3 * 2 ** ((packed & COLOUR_TABLE_SIZE) + 1) : 0;
}

function unreadable(why: string): AppError {
  return new AppError("UNREADABLE_IMAGE", "The file is not a complete GIF image.", { cause: new Error(why) });
}
