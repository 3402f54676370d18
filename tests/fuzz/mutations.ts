// Ways to spoil a file: `anyMutations` work on any bytes, and all others know where a format keeps lengths, sizes and
// check sums.
import { crc32, deflateSync } from "node:zlib";

import sharp from "sharp";

import type { Random } from "./random.ts";

/** The first bytes of each foreign part. If the service sends them, it has let foreign data through. */
export const FOREIGN_MARK = "letsapp-fuzz-foreign";

export type Mutation = (bytes: Buffer, random: Random) => Buffer;

const foreign = (random: Random): Buffer =>
  Buffer.from(
    FOREIGN_MARK +
      random.pick([
        "<script>alert(1)</script>",
        "<?php system($_GET['c']); ?>",
        "PK\x03\x04",
        "%PDF-1.7",
        "GIF89a",
        "\xff\xd8\xff\xe0",
        "MZ",
        "#!/bin/sh\n",
      ]),
    "latin1",
  );

const profile = (
  await sharp(
    await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .withIccProfile("p3")
      .jpeg()
      .toBuffer(),
  ).metadata()
).icc!;

function insert(bytes: Buffer, at: number, more: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
}

const anyMutations: Record<string, Mutation> = {
  cutOff: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  flipByte: (bytes, random) => withByte(bytes, random.below(bytes.length), random.below(256)),
  flipByteInHead: (bytes, random) =>
    withByte(bytes, random.below(Math.min(700, bytes.length)), random.below(256)),
  flipBit: (bytes, random) => {
    const at = random.below(bytes.length);
    return withByte(bytes, at, bytes[at]! ^ (1 << random.below(8)));
  },
  removeBytes: (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(300))]);
  },
  repeatBytes: (bytes, random) => {
    const at = random.below(bytes.length);
    return insert(bytes, at, bytes.subarray(at, at + 1 + random.below(2_000)));
  },
  noise: (bytes, random) => insert(bytes, random.below(bytes.length), random.bytes(1 + random.below(200))),
  zeros: (bytes, random) => {
    const [at, count] = [random.below(bytes.length), 1 + random.below(400)];
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(count), bytes.subarray(at + count)]);
  },
  append: (bytes, random) => Buffer.concat([bytes, foreign(random)]),
  prepend: (bytes, random) => Buffer.concat([foreign(random), bytes]),
  insertForeign: (bytes, random) => insert(bytes, random.below(bytes.length), foreign(random)),
  appendItself: (bytes) => Buffer.concat([bytes, bytes]),
};

const jpegMutations: Record<string, Mutation> = {
  segment: (bytes, random) => {
    const signature = random.pick(["Exif\0\0", "ICC_PROFILE\0\x01\x01", "JFIF\0", "Adobe", ""]);
    const payload = Buffer.concat([Buffer.from(signature, "latin1"), foreign(random)]);
    const head = Buffer.from([0xff, 0xe0 + random.below(32), 0, 0]);
    head.writeUInt16BE(payload.length + 2, 2);
    return insert(bytes, 2, Buffer.concat([head, payload]));
  },
  /** Inserts a quantisation or Huffman table that a later one replaces or that no scan uses. */
  table: (bytes, random) => {
    const text = Buffer.concat([foreign(random), Buffer.alloc(64)]).subarray(0, 64);
    const counts = [0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0];
    const table = random.chance(50)
      ? [0xff, 0xdb, 0, 67, random.below(4), ...text]
      : [0xff, 0xc4, 0, 83, random.pick([0x00, 0x01, 0x03, 0x10, 0x11, 0x13]), ...counts, ...text];
    return insert(bytes, 2, Buffer.from(table));
  },
  beforeEnd: (bytes, random) => insert(bytes, bytes.length - 2, foreign(random)),
  lyingSize: (bytes, random) => {
    const at = findFrame(bytes);
    if (at === -1 || at + 9 > bytes.length) return bytes;
    const copy = Buffer.from(bytes);
    copy.writeUInt16BE(random.awkward() & 0xffff, at + (random.chance(50) ? 5 : 7));
    return copy;
  },
  lyingFrame: (bytes, random) => {
    const at = findFrame(bytes);
    return at === -1 ? bytes : withByte(bytes, at + random.below(20), random.below(256));
  },
  restartMarker: (bytes, random) =>
    insert(
      bytes,
      bytes.length - random.below(Math.min(bytes.length, 2_000)),
      Buffer.from([0xff, 0xd0 + random.below(8)]),
    ),
  restartInterval: (bytes, random) => {
    const interval = Buffer.from([0xff, 0xdd, 0, 4, 0, 0]);
    interval.writeUInt16BE(random.awkward() & 0xffff, 4);
    return insert(bytes, 2, interval);
  },
  secondImage: (bytes) => insert(bytes, bytes.length - 2, bytes),
};

const pngMutations: Record<string, Mutation> = {
  chunk: (bytes, random) =>
    insert(
      bytes,
      random.pick([33, bytes.length - 12]),
      createChunk(
        random.pick([
          "tEXt",
          "eXIf",
          "iCCP",
          "acTL",
          "fdAT",
          "PLTE",
          "tRNS",
          "IDAT",
          "gAMA",
          "cICP",
          "XXXX",
          "IHDR",
        ]),
        foreign(random),
      ),
    ),
  profileName: (bytes, random) => {
    const name = Buffer.concat([foreign(random), Buffer.alloc(60, "n"), Buffer.alloc(2)]);
    return insert(bytes, 33, createChunk("iCCP", Buffer.concat([name, deflateSync(profile)])));
  },
  lyingHeader: (bytes, random) => {
    const copy = Buffer.from(bytes);
    if (random.chance(50)) copy.writeUInt32BE(random.awkward(), random.pick([16, 20]));
    else copy[24 + random.below(5)] = random.pick([0, 1, 2, 3, 4, 6, 8, 16, 255]);
    copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
    return copy;
  },
  /** Spoils a chunk's data and corrects its check sum, so that only the decoder can find the fault. */
  spoiltChunk: (bytes, random) => {
    const starts = chunkStarts(bytes);
    if (starts.length === 0) return bytes;
    const start = random.pick(starts);
    const dataBytes = bytes.readUInt32BE(start);
    if (dataBytes === 0) return bytes;
    const copy = withByte(bytes, start + 8 + random.below(dataBytes), random.below(256));
    copy.writeUInt32BE(crc32(copy.subarray(start + 4, start + 8 + dataBytes)), start + 8 + dataBytes);
    return copy;
  },
  withoutChunk: (bytes, random) => {
    const starts = chunkStarts(bytes);
    if (starts.length === 0) return bytes;
    const start = random.pick(starts);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 12 + bytes.readUInt32BE(start))]);
  },
};

const gifMutations: Record<string, Mutation> = {
  lyingScreen: (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(random.awkward() & 0xffff, random.pick([6, 8]));
    return copy;
  },
  extension: (bytes, random) => {
    const text = foreign(random);
    const label = random.pick([0xfe, 0x01, 0xff, 0xf9, 0x00]);
    return insert(
      bytes,
      bytes.length - 1,
      Buffer.concat([Buffer.of(0x21, label, text.length), text, Buffer.of(0)]),
    );
  },
  lyingFrame: (bytes, random) => {
    const at = bytes.indexOf(0x2c, 13);
    if (at === -1 || at + 9 > bytes.length) return bytes;
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(random.awkward() & 0xffff, at + random.pick([1, 3, 5, 7]));
    return copy;
  },
  subBlock: (bytes, random) => {
    const text = foreign(random);
    return insert(bytes, bytes.length - 2, Buffer.concat([Buffer.of(text.length), text]));
  },
};

const ownMutations = { jpeg: jpegMutations, png: pngMutations, gif: gifMutations };

/** Applies one to three mutations, and returns their names as well. */
export function mutate(
  bytes: Buffer,
  format: "jpeg" | "png" | "gif",
  random: Random,
): { bytes: Buffer; names: string[] } {
  const names: string[] = [];
  let mutated = bytes;
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0 && mutated.length > 40; left--) {
    const table = random.chance(50) ? ownMutations[format] : anyMutations;
    const name = random.pick(Object.keys(table));
    mutated = Buffer.from(table[name]!(mutated, random));
    names.push(name);
  }
  return { bytes: mutated, names };
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = value;
  return copy;
}

function findFrame(jpeg: Buffer): number {
  for (let at = 2; at + 4 < jpeg.length && jpeg[at] === 0xff; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1]! >= 0xc0 && jpeg[at + 1]! <= 0xc2) return at;
  }
  return -1;
}

function chunkStarts(png: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 8; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    if (at + 12 + png.readUInt32BE(at) <= png.length) starts.push(at);
  }
  return starts;
}

function createChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
