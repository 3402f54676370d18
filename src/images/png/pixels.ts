// Repairs the pixel data of a PNG.
// Source: PNG specification, third edition, chapters 7, 8 and 10.
import { pipeline } from "node:stream/promises";
import { constants, createDeflate, createInflateRaw } from "node:zlib";

import { AppError } from "../../errors.ts";
import { unreadable } from "../unreadable.ts";
import type { PngHeader } from "./header.ts";

/** The passes of Adam7: the first pixel of each (x, y), and the distance to its next ones (dx, dy). */
const passes = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];
const wholePicture = [{ x: 0, y: 0, dx: 1, dy: 1 }];

const INFLATED_CHUNK_BYTES = 256 * 1024;

/** The header of a zlib stream, which a checksum of four bytes ends. Source: RFC 1950. */
const ZLIB_HEADER_BYTES = 2;

/**
 * Compresses the pixels again, without the data after them. Ignores the checksum. Uses the lowest level, because
 * crafted pixels take higher levels many seconds.
 *
 * @param compressed the data of all IDAT chunks
 * @throws UNREADABLE_IMAGE when pixels are missing
 */
export async function repairPixels(header: PngHeader, compressed: Buffer): Promise<Buffer> {
  const inflate = createInflateRaw({
    chunkSize: INFLATED_CHUNK_BYTES,
    finishFlush: constants.Z_SYNC_FLUSH, // Data may end early, because the pixels are counted.
  });
  inflate.end(compressed.subarray(ZLIB_HEADER_BYTES));
  const deflated: Buffer[] = [];
  try {
    await pipeline(
      inflate,
      firstBytes(expectedPixelBytes(header)),
      createDeflate({ level: 1 }),
      async (chunks) => {
        for await (const chunk of chunks) deflated.push(chunk as Buffer);
      },
    );
  } catch (error) {
    throw error instanceof AppError ? error : unreadable("PNG", "its pixel data is not valid");
  }
  return Buffer.concat(deflated);
}

/** Passes on `byteCount` bytes. @throws UNREADABLE_IMAGE when there are fewer */
function firstBytes(byteCount: number): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (chunks) {
    let bytesLeft = byteCount;
    for await (const chunk of chunks) {
      yield chunk.subarray(0, bytesLeft);
      bytesLeft -= Math.min(bytesLeft, chunk.length);
      if (bytesLeft === 0) return;
    }
    throw unreadable("PNG", "pixels are missing");
  };
}

function expectedPixelBytes(header: PngHeader): number {
  const { widthPx, heightPx, isInterlaced } = header;
  const bitsPerPixel = header.bitDepth * header.samplesPerPixel;
  return (isInterlaced ? passes : wholePicture).reduce((sum, { x, y, dx, dy }) => {
    const [columns, rows] = [Math.ceil((widthPx - x) / dx), Math.ceil((heightPx - y) / dy)];
    if (columns <= 0 || rows <= 0) return sum;
    return sum + rows * (1 + Math.ceil((columns * bitsPerPixel) / 8)); // Each row begins with a filter byte.
  }, 0);
}
