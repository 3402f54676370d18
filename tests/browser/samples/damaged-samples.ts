// Damaged files: some contain every pixel, and from the others pixels are missing.
import { deflateSync } from "node:zlib";

import { pngChunk } from "../../support/sample-images.ts";
import { makeGif } from "./gif.ts";
import { animated } from "./gif-samples.ts";
import {
  adobeSegment,
  exif,
  exifSegment,
  makeJpeg,
  profileSegment,
  segment,
  withBytesBetweenSegments,
  withSegments,
} from "./jpeg.ts";
import { gammaChunk, makePng, profileChunk, withBadCrc } from "./png.ts";
import { rgbProfiles, type Sample } from "./sample.ts";
import { colourful, type Scene } from "./scene.ts";

/** Files that only look damaged: no pixel is missing. */
export async function damagedSamples(): Promise<Sample[]> {
  const scene = colourful();
  const jpeg = await makeJpeg(scene);
  const progressive = await makeJpeg(scene, { progressive: true });
  const junk = Buffer.from("between the segments");
  const withProfile = withSegments(jpeg, profileSegment(rgbProfiles.sRGB));
  const png = makePng(scene, { kind: "rgb", bitDepth: 8 });
  const text = pngChunk("tEXt", Buffer.from("Comment\0hello"));
  const gamma = gammaChunk(1);
  const withStream = (change: (zlibStream: Buffer, rows: Buffer) => Buffer) =>
    makePng(scene, { kind: "rgb", bitDepth: 8, changeStream: change });
  const files: Record<string, Buffer> = {
    "JPG, bytes between segments": withBytesBetweenSegments(jpeg, 2, junk),
    "JPG, NULs before the profile": withBytesBetweenSegments(
      withProfile,
      0,
      Buffer.concat([adobeSegment(1), Buffer.alloc(18)]),
    ),
    "JPG, fill bytes before a segment": withBytesBetweenSegments(jpeg, 1, Buffer.alloc(9, 0xff)),
    "JPG, Adobe transform 2": withSegments(jpeg, adobeSegment(2)),
    "JPG, Adobe transform 7": withSegments(jpeg, adobeSegment(7)),
    "JPG, unknown JFIF version": withSegments(
      jpeg,
      segment(0xe0, Buffer.from("JFIF\0\x05\x01\0\0\x01\0\x01\0\0", "latin1")),
    ),
    "JPG, no end marker": jpeg.subarray(0, -2),
    "JPG, half an end marker": jpeg.subarray(0, -1),
    "JPG, progressive, no end marker": progressive.subarray(0, -2),
    "JPG, bytes before the end marker": Buffer.concat([
      jpeg.subarray(0, -2),
      Buffer.alloc(40),
      jpeg.subarray(-2),
    ]),
    "JPG, NULs after the end marker": Buffer.concat([jpeg, Buffer.alloc(100)]),
    "JPG, a second picture after the end marker": Buffer.concat([jpeg, jpeg]),
    "PNG, wrong checksum of a text": makePng(scene, { kind: "rgb", bitDepth: 8, chunks: [withBadCrc(text)] }),
    "PNG, wrong checksum of a gamma": makePng(scene, {
      kind: "rgb",
      bitDepth: 8,
      chunks: [withBadCrc(gamma)],
    }),
    "PNG, wrong checksum of a profile": makePng(scene, {
      kind: "rgb",
      bitDepth: 8,
      chunks: [withBadCrc(profileChunk(rgbProfiles["Display P3"]))],
    }),
    "PNG, wrong checksum of an orientation": makePng(scene, {
      kind: "rgb",
      bitDepth: 8,
      chunks: [withBadCrc(pngChunk("eXIf", exif(6)))],
    }),
    "PNG, wrong checksum of a text after the pixels": makePng(scene, {
      kind: "rgb",
      bitDepth: 8,
      after: [withBadCrc(text)],
    }),
    "PNG, a byte too many": withStream((_stream, rows) => deflateSync(Buffer.concat([rows, Buffer.of(0)]))),
    "PNG, ten rows too many": withStream((_stream, rows) =>
      deflateSync(Buffer.concat([rows, rows.subarray(0, 10 * 481)])),
    ),
    "PNG, wrong checksum of the pixels": withStream((stream) =>
      Buffer.concat([stream.subarray(0, -1), Buffer.of(stream.at(-1)! ^ 1)]),
    ),
    "PNG, no checksum of the pixels": withStream((stream) => stream.subarray(0, -4)),
    "PNG, bytes after the pixels": withStream((stream) => Buffer.concat([stream, Buffer.alloc(50, 7)])),
    "PNG, no checksum of its end": png.subarray(0, -4),
    "PNG, no end": png.subarray(0, -12),
    "PNG, bytes after its end": Buffer.concat([png, Buffer.alloc(50, 7)]),
  };
  return Object.entries(files).map(([name, bytes]) => ({
    name,
    bytes,
    isColourManaged: name.includes("profile"),
    ...(/no end|half an end/.test(name) && { looksLike: name.startsWith("PNG") ? png : jpeg }),
  }));
}

/** Files from which pixels are missing. */
export async function cutOffSamples(): Promise<Sample[]> {
  const scene = colourful();
  const jpegs = {
    "baseline JPG": await makeJpeg(scene),
    "progressive JPG": await makeJpeg(scene, { progressive: true }),
    "turned JPG": await makeJpeg(scene, { segments: [exifSegment(6)] }),
  };
  const pngs = {
    PNG: makePng(scene, { kind: "rgb", bitDepth: 8 }),
    "interlaced PNG": makePng(scene, { kind: "rgba", bitDepth: 16, isInterlaced: true }),
  };
  const gif = makeGif(animated(scene, 1));
  const cutAt = (bytes: Buffer, share: number) => bytes.subarray(0, Math.floor(bytes.length * share));
  const shares = [0.5, 0.8, 0.9, 0.95]; // The last 5 % of the PNGs contain pixels.
  const end = Buffer.from([0xff, 0xd9]);
  return [
    ...Object.entries({ ...jpegs, ...pngs, GIF: gif }).flatMap(([name, bytes]) =>
      shares.map((share) => ({ name: `${name} after ${100 * share} %`, bytes: cutAt(bytes, share) })),
    ),
    ...Object.entries(jpegs).flatMap(([name, bytes]) =>
      shares.slice(0, 3).map((share) => ({
        name: `${name} after ${100 * share} %, with an end marker`,
        bytes: Buffer.concat([cutAt(bytes, share), end]),
      })),
    ),
    { name: "PNG that lacks a row", bytes: withoutRows(scene, 1) },
    { name: "PNG that lacks ten rows", bytes: withoutRows(scene, 10) },
  ];
}

function withoutRows(scene: Scene, count: number): Buffer {
  const changeStream = (_stream: Buffer, rows: Buffer) =>
    deflateSync(rows.subarray(0, rows.length - count * (1 + 3 * scene.width)));
  return makePng(scene, { kind: "rgb", bitDepth: 8, changeStream });
}
