// Reads the compressed pixels of a GIF frame, code by code, to find where they end: decoders tolerate missing pixels,
// and ignore data after the last pixel. Source: the GIF89a specification, appendix F.

const MAX_CODE_BITS = 12;
const MAX_BLOCK_BYTES = 255;

/** A root code is one byte at most. */
const MAX_ROOT_BITS = 8;

/**
 * Reads codes until there are `pixelCount` pixels.
 *
 * @param data joined from the sub-blocks
 * @returns the data up to the last pixel, and an end code; `data` itself when nothing else follows; null when pixels
 * are missing or a code is not valid
 */
export function cutPixels(data: Buffer, rootBits: number, pixelCount: number): Buffer | null {
  if (rootBits < 1 || rootBits > MAX_ROOT_BITS) return null;
  const clearCode = 1 << rootBits;
  const endCode = clearCode + 1;
  // Number of pixels that each code stands for. The rest of the dictionary is not needed.
  const lengths = new Uint32Array(1 << MAX_CODE_BITS).fill(1, 0, clearCode);
  let [codeBits, nextCode, previous] = [rootBits + 1, endCode + 1, -1];
  let pixelsLeft = pixelCount;
  for (let bit = 0; bit + codeBits <= data.length * 8;) {
    const code = readBits(data, bit, codeBits);
    bit += codeBits;
    if (code === clearCode) {
      [codeBits, nextCode, previous] = [rootBits + 1, endCode + 1, -1];
      continue;
    }
    const isNew = code === nextCode && previous !== -1;
    if (code === endCode || (code >= nextCode && !isNew)) return null;
    if (previous !== -1 && nextCode < lengths.length) {
      lengths[nextCode++] = lengths[previous]! + 1;
      if (nextCode === 1 << codeBits && codeBits < MAX_CODE_BITS) codeBits += 1;
    }
    pixelsLeft -= lengths[code]!;
    previous = code;
    if (pixelsLeft <= 0) return endAt(data, bit, codeBits, rootBits);
  }
  return null;
}

/** Ends the data after `bit` with an end code. A clear code may precede it, as some encoders write one. */
function endAt(data: Buffer, bit: number, codeBits: number, rootBits: number): Buffer {
  const clearCode = 1 << rootBits;
  const endCode = clearCode + 1;
  const isCleared = readBits(data, bit, codeBits) === clearCode;
  const [endAtBit, endBits] = isCleared ? [bit + codeBits, rootBits + 1] : [bit, codeBits];
  const isEnd = readBits(data, endAtBit, endBits) === endCode;
  if (isEnd && Math.ceil((endAtBit + endBits) / 8) === data.length) return data;
  const cut = Buffer.alloc(Math.ceil((bit + codeBits) / 8));
  data.copy(cut, 0, 0, Math.ceil(bit / 8));
  for (let i = 0; bit + i < cut.length * 8; i++)
    writeBit(cut, bit + i, i < codeBits ? (endCode >> i) & 1 : 0);
  return cut;
}

/** Returns a colour that no pixel of a frame has; null when all are used. Each colour first occurs as a root code. */
export function findUnusedColour(data: Buffer, rootBits: number): number | null {
  const clearCode = 1 << rootBits;
  const isUsed = new Uint8Array(clearCode);
  let [codeBits, nextCode, isFirst] = [rootBits + 1, clearCode + 2, true];
  for (let bit = 0; bit + codeBits <= data.length * 8;) {
    const code = readBits(data, bit, codeBits);
    bit += codeBits;
    if (code === clearCode + 1) break;
    if (code === clearCode) {
      [codeBits, nextCode, isFirst] = [rootBits + 1, clearCode + 2, true];
      continue;
    }
    if (code < clearCode) isUsed[code] = 1;
    if (!isFirst && nextCode < 1 << MAX_CODE_BITS) {
      nextCode += 1;
      if (nextCode === 1 << codeBits && codeBits < MAX_CODE_BITS) codeBits += 1;
    }
    isFirst = false;
  }
  const unused = isUsed.lastIndexOf(0);
  return unused === -1 ? null : unused;
}

/** Reads an integer. The lowest bit of a byte comes first. */
function readBits(data: Buffer, bit: number, bitCount: number): number {
  const at = bit >> 3;
  const word = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16);
  return (word >> (bit & 7)) & ((1 << bitCount) - 1);
}

function writeBit(data: Buffer, bit: number, value: number): void {
  const mask = 1 << (bit & 7);
  data[bit >> 3] = value ? data[bit >> 3]! | mask : data[bit >> 3]! & ~mask;
}

/** Joins the data of sub-blocks. Copies without a function call, because many sub-blocks may be one byte long. */
export function joinSubBlocks(blocks: Buffer): Buffer {
  const joined = Buffer.alloc(blocks.length);
  let length = 0;
  for (let at = 0; blocks[at]! > 0;) {
    const end = at + 1 + blocks[at]!;
    for (at += 1; at < end; at++) joined[length++] = blocks[at]!;
  }
  return joined.subarray(0, length);
}

/** Splits data into sub-blocks of maximum length, and adds the empty one that ends them. */
export function splitIntoSubBlocks(data: Buffer): Buffer {
  const blocks = Buffer.alloc(data.length + Math.ceil(data.length / MAX_BLOCK_BYTES) + 1);
  let length = 0;
  for (let at = 0; at < data.length; at += MAX_BLOCK_BYTES) {
    const blockBytes = Math.min(MAX_BLOCK_BYTES, data.length - at);
    blocks[length] = blockBytes;
    length += 1 + data.copy(blocks, length + 1, at, at + blockBytes);
  }
  return blocks;
}
