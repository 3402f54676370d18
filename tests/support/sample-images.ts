// Pictures to upload: a photograph in the forms that cameras and editors write, and generated images for all other
// cases. Each call returns fresh bytes.
import { readFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

import sharp from "sharp";

const photograph = readFileSync(new URL("../fixtures/grace-hopper.jpg", import.meta.url));

/** 512 × 600, baseline, with a comment. */
export const portraitJpeg = (): Buffer => Buffer.from(photograph);

/** 500 × 375, as a camera wrote it, with EXIF and GPS data. */
export const cameraJpeg = (): Buffer => readFileSync(new URL("../fixtures/throne.jpg", import.meta.url));

/** 96 × 112, baseline, with a restart marker after each row of MCUs. */
export const restartJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/restart-intervals.jpg", import.meta.url));

/** 96 × 112, baseline, each component in a separate scan. */
export const separateScansJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/separate-scans.jpg", import.meta.url));

/** 96 × 112, progressive, with a restart marker after each row of MCUs in all scans. */
export const progressiveRestartJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/progressive-restarts.jpg", import.meta.url));

/** 96 × 112, with arithmetic coding, which no browser reads. */
export const arithmeticJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/arithmetic.jpg", import.meta.url));

/** The portrait as sharp writes it: no metadata at all. */
export const plainJpeg = (): Promise<Buffer> => sharp(photograph).jpeg({ quality: 90 }).toBuffer();

export const progressiveJpeg = (): Promise<Buffer> =>
  sharp(photograph).jpeg({ progressive: true }).toBuffer();

export const cmykJpeg = (): Promise<Buffer> =>
  sharp(photograph).toColourspace("cmyk").withIccProfile("cmyk").jpeg().toBuffer();

export const displayP3Jpeg = (): Promise<Buffer> => sharp(photograph).withIccProfile("p3").jpeg().toBuffer();

/** As a phone writes it: rotated pixels, an EXIF orientation that says how, and GPS data. */
export async function orientedJpeg(orientation: number): Promise<Buffer> {
  const turned = await turnFor(orientation);
  return sharp(turned)
    .withMetadata({ orientation })
    .withExifMerge({
      IFD0: { Make: "Pocket", Model: "Camera 3", Copyright: "somebody" },
      IFD3: {
        GPSLatitudeRef: "N",
        GPSLatitude: "52/1 31/1 12/1",
        GPSLongitudeRef: "E",
        GPSLongitude: "13/1 24/1 18/1",
      },
    })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** Turns the photograph so that the EXIF `orientation` sets it upright again. */
async function turnFor(orientation: number): Promise<Buffer> {
  const [angle, isFlopped] = (
    [[0], [0, true], [180], [180, true], [90, true], [270], [270, true], [90]] as [number, boolean?][]
  )[orientation - 1]!;
  const turned = await sharp(photograph).rotate(angle).png().toBuffer();
  return sharp(turned)
    .flop(isFlopped === true)
    .png()
    .toBuffer();
}

export const palettePng = (): Promise<Buffer> =>
  sharp(photograph).resize(256).png({ palette: true }).toBuffer();

export const interlacedPng = (): Promise<Buffer> =>
  sharp(photograph).resize(256).png({ progressive: true }).toBuffer();

export const png16 = (): Promise<Buffer> =>
  sharp(photograph).resize(256).toColourspace("rgb16").png().toBuffer();

export const greyPng = (): Promise<Buffer> =>
  sharp(photograph).resize(200).greyscale().toColourspace("b-w").png().toBuffer();

/** A round picture on a transparent background. */
export async function transparentPng(): Promise<Buffer> {
  const mask = Buffer.alloc(200 * 200);
  for (let i = 0; i < mask.length; i++)
    mask[i] = Math.hypot((i % 200) - 100, Math.floor(i / 200) - 100) < 95 ? 255 : 0;
  return sharp(photograph)
    .resize(200, 200)
    .joinChannel(mask, { raw: { width: 200, height: 200, channels: 1 } })
    .png()
    .toBuffer();
}

export const stillGif = (): Promise<Buffer> => sharp(photograph).resize(200).gif().toBuffer();

export const interlacedGif = (): Promise<Buffer> =>
  sharp(photograph).resize(200).gif({ progressive: true }).toBuffer();

export async function transparentGif(): Promise<Buffer> {
  return sharp(await transparentPng())
    .gif()
    .toBuffer();
}

/** The photograph, a little brighter in each frame. */
export async function animatedGif(frameCount = 5): Promise<Buffer> {
  const frames = await Promise.all(
    Array.from({ length: frameCount }, (_, i) =>
      sharp(photograph)
        .resize(120, 140)
        .modulate({ brightness: 1 + i / 10 })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(frames, { join: { animated: true } })
    .gif({ delay: 100, loop: 0 })
    .toBuffer();
}

export const onePixelPng = (): Promise<Buffer> => flatPng(1, 1);

export function flatPng(width: number, height: number, colour = "#336699"): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .png()
    .toBuffer();
}

/** Noise, which JPEG compression hardly makes smaller. */
export function noiseJpeg(side: number): Promise<Buffer> {
  return sharp({
    create: {
      width: side,
      height: side,
      channels: 3,
      background: "#888",
      noise: { type: "gaussian", mean: 128, sigma: 60 },
    },
  })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** A JPEG of exactly `bytes` bytes, filled up with comments. */
export async function jpegOfSize(bytes: number): Promise<Buffer> {
  const jpeg = await plainJpeg();
  const comments: Buffer[] = [];
  for (let missing = bytes - jpeg.length; missing > 0;) {
    const segmentBytes = missing > 65_537 + 4 ? 65_537 : missing > 65_537 ? missing - 10 : missing;
    const head = Buffer.from([0xff, 0xfe, 0, 0]);
    head.writeUInt16BE(segmentBytes - 2, 2);
    comments.push(head, Buffer.alloc(segmentBytes - 4, 0x20));
    missing -= segmentBytes;
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...comments, jpeg.subarray(2)]);
}

/** A PNG whose valid header promises `width` × `height` pixels, with hardly any pixel data. */
export function pngHeaderOf(
  width: number,
  height: number,
  { bitDepth = 8, colourType = 2, isInterlaced = false } = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType, 0, 0, Number(isInterlaced)], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(1000))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const checked = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [head, tail] = [Buffer.alloc(4), Buffer.alloc(4)];
  head.writeUInt32BE(data.length);
  tail.writeUInt32BE(crc32(checked));
  return Buffer.concat([head, checked, tail]);
}

/**
 * A progressive JPEG, `sidePx` wide and high, whose scans have one byte of data each. The file has only what a walk over
 * its segments looks at.
 */
export function manyScansJpeg(sidePx: number, scanCount: number): Buffer {
  const frame = Buffer.from([0xff, 0xc2, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(sidePx, 5);
  frame.writeUInt16BE(sidePx, 7);
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 1, 1, 0x01, 0x7f]);
  const scans = Array.from({ length: scanCount }, () => scan);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), frame, ...scans, Buffer.from([0xff, 0xd9])]);
}

/** A grey JPEG of 8 × 8 pixels in 127 scans, two for each AC coefficient. Each scan costs a pass over all pixels. */
export function scanFloodJpeg(): Buffer {
  const table = (name: number) => [0xff, 0xc4, 0, 20, name, 1, ...Array.from({ length: 16 }, () => 0)];
  const scan = (coefficient: number, lowBits: number) => [
    0xff,
    0xda,
    0,
    8,
    1,
    1,
    0,
    coefficient,
    coefficient,
    lowBits,
    0x7f,
  ];
  const quantisation = [0xff, 0xdb, 0, 67, 0, ...Array.from({ length: 64 }, () => 1)];
  const frame = [0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
  const coefficients = Array.from({ length: 63 }, (_, i) => i + 1);
  const scans = [0x01, 0x10].flatMap((bits) =>
    coefficients.flatMap((coefficient) => scan(coefficient, bits)),
  );
  const head = [0xff, 0xd8, ...quantisation, ...frame, ...table(0x00), ...table(0x10)];
  return Buffer.from([...head, ...scan(0, 0), ...scans, 0xff, 0xd9]);
}

/** A GIF of many one-pixel frames: small to send, expensive to decode. */
export function frameFloodGif(frameCount: number): Buffer {
  const head = Buffer.from([...Buffer.from("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  const frame = Buffer.from([
    0x21, 0xf9, 4, 4, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0,
  ]);
  return Buffer.concat([head, ...Array.from({ length: frameCount }, () => frame), Buffer.of(0x3b)]);
}

/** Finds the sub-blocks with the pixel data of the first frame in a GIF that sharp made. */
function firstSubBlocks(gif: Buffer): { start: number; end: number } {
  let at = 13 + (gif[10]! & 0x80 ? 3 * 2 ** ((gif[10]! & 7) + 1) : 0);
  while (gif[at] === 0x21) {
    at += 2;
    while (gif[at]! > 0) at += 1 + gif[at]!;
    at += 1;
  }
  const localTable = gif[at + 9]! & 0x80 ? 3 * 2 ** ((gif[at + 9]! & 7) + 1) : 0;
  const start = at + 10 + localTable + 1;
  let end = start;
  while (gif[end]! > 0) end += 1 + gif[end]!;
  return { start, end };
}

/** Makes the first frame of a GIF one after which decoders restore the frame before it. */
export function restoringGif(gif: Buffer): Buffer {
  const localTable = firstSubBlocks(gif).start - 11;
  const frameAt = gif.lastIndexOf(0x2c, localTable);
  const control = Buffer.of(0x21, 0xf9, 4, 3 << 2, 0, 0, 0, 0);
  return Buffer.concat([gif.subarray(0, frameAt), control, gif.subarray(frameAt)]);
}

/** Adds a sub-block after the pixel data of the GIF's first frame. */
export function withSubBlock(gif: Buffer, data: string): Buffer {
  const { end } = firstSubBlocks(gif);
  return Buffer.concat([gif.subarray(0, end), Buffer.of(data.length), Buffer.from(data), gif.subarray(end)]);
}

/** Removes all sub-blocks but the first from the GIF's first frame, and keeps the rest of the file. */
export function withoutLastSubBlocks(gif: Buffer): Buffer {
  const { start, end } = firstSubBlocks(gif);
  return Buffer.concat([gif.subarray(0, start + 1 + gif[start]!), gif.subarray(end)]);
}

/** Replaces the PNG's pixel data. `change` returns the data of each new `IDAT` chunk. */
export function withPixelData(png: Buffer, change: (zlibStream: Buffer) => Buffer[]): Buffer {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    chunks.push({
      type: png.toString("latin1", at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + png.readUInt32BE(at)),
    });
  }
  const pixels = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data));
  const firstPixels = chunks.findIndex(({ type }) => type === "IDAT");
  const others = chunks.filter(({ type }) => type !== "IDAT");
  others.splice(firstPixels, 0, ...change(pixels).map((data) => ({ type: "IDAT", data })));
  return Buffer.concat([png.subarray(0, 8), ...others.map(({ type, data }) => pngChunk(type, data))]);
}

/** The position of each scan's header in a JPEG. */
export function scansOf(jpeg: Buffer): number[] {
  const positions: number[] = [];
  const marker = Buffer.from([0xff, 0xda]);
  for (let at = jpeg.indexOf(marker); at !== -1; at = jpeg.indexOf(marker, at + 2)) positions.push(at);
  return positions;
}
