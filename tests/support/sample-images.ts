// Pictures to upload: a real photograph in every form that a camera or an editor may give it, and drawn ones for
// what no photograph shows. Each call returns fresh bytes.
import { readFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

import sharp from "sharp";

const photograph = readFileSync(new URL("../fixtures/grace-hopper.jpg", import.meta.url));

/** 512 × 600, baseline, with a comment. */
export const portraitJpeg = (): Buffer => Buffer.from(photograph);

/** 500 × 375, as a camera wrote it, with the place where it was taken. */
export const cameraJpeg = (): Buffer => readFileSync(new URL("../fixtures/throne.jpg", import.meta.url));

/** 96 × 112, with a restart marker behind each row of units. */
export const restartJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/restart-intervals.jpg", import.meta.url));

/** 96 × 112, baseline, each component in a scan of its own. */
export const separateScansJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/separate-scans.jpg", import.meta.url));

/** 96 × 112, progressive, with a restart marker behind each row of units in all of its scans. */
export const progressiveRestartJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/progressive-restarts.jpg", import.meta.url));

/** 96 × 112, coded as no browser reads it. */
export const arithmeticJpeg = (): Buffer =>
  readFileSync(new URL("../fixtures/arithmetic.jpg", import.meta.url));

/** The portrait as sharp writes it: no metadata at all. */
export const plainJpeg = (): Promise<Buffer> => sharp(photograph).jpeg({ quality: 90 }).toBuffer();

export const progressiveJpeg = (): Promise<Buffer> =>
  sharp(photograph).jpeg({ progressive: true }).toBuffer();

export const cmykJpeg = (): Promise<Buffer> =>
  sharp(photograph).toColourspace("cmyk").withIccProfile("cmyk").jpeg().toBuffer();

export const displayP3Jpeg = (): Promise<Buffer> => sharp(photograph).withIccProfile("p3").jpeg().toBuffer();

/** As a telephone writes it: pixels on their side, EXIF that says so, and where it was taken. */
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

/** The photograph so turned that EXIF's `orientation` sets it upright again. */
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

/** Round, on nothing. */
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

/** The photograph growing brighter, frame by frame. */
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

/** A picture that no compression makes small. */
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

/** A JPEG of exactly so many bytes: a comment fills it up. */
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

/** A valid PNG header that promises `width` × `height`, and next to no data. */
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

/** A grey JPEG of 8 × 8 pixels in 127 scans, two for each coefficient: each costs a pass over all pixels. */
/** Progressive, `sidePx` wide and high, with scans of a byte each: no more than a walk of its segments looks at. */
export function manyScansJpeg(sidePx: number, scanCount: number): Buffer {
  const frame = Buffer.from([0xff, 0xc2, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(sidePx, 5);
  frame.writeUInt16BE(sidePx, 7);
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 1, 1, 0x01, 0x7f]);
  const scans = Array.from({ length: scanCount }, () => scan);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), frame, ...scans, Buffer.from([0xff, 0xd9])]);
}

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

/** A GIF of many frames of one pixel each: small to send, dear to decode. */
export function frameFloodGif(frameCount: number): Buffer {
  const head = Buffer.from([...Buffer.from("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  const frame = Buffer.from([
    0x21, 0xf9, 4, 4, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0,
  ]);
  return Buffer.concat([head, ...Array.from({ length: frameCount }, () => frame), Buffer.of(0x3b)]);
}

/** Of a GIF that sharp made: the pixel data of its first frame, as the sub-blocks stand in the file. */
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

/** The GIF with a sub-block more behind the pixels of its first frame. */
export function withSubBlock(gif: Buffer, data: string): Buffer {
  const { end } = firstSubBlocks(gif);
  return Buffer.concat([gif.subarray(0, end), Buffer.of(data.length), Buffer.from(data), gif.subarray(end)]);
}

/** The GIF with only the first sub-block of its first frame, and otherwise whole. */
export function withoutLastSubBlocks(gif: Buffer): Buffer {
  const { start, end } = firstSubBlocks(gif);
  return Buffer.concat([gif.subarray(0, start + 1 + gif[start]!), gif.subarray(end)]);
}

/** The PNG with other bytes in place of its pixel data, which may be in several chunks. */
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

/** Where the scans of a JPEG begin: the position of each one's header. */
export function scansOf(jpeg: Buffer): number[] {
  const positions: number[] = [];
  const marker = Buffer.from([0xff, 0xda]);
  for (let at = jpeg.indexOf(marker); at !== -1; at = jpeg.indexOf(marker, at + 2)) positions.push(at);
  return positions;
}
