// Writes JPEGs: sharp encodes the pixels, and segments are inserted as cameras, editors and faulty programs write them.
import sharp, { type JpegOptions } from "sharp";

import { toRgb, type Scene } from "./scene.ts";

export interface JpegForm extends JpegOptions {
  isGrey?: boolean;
  isCmyk?: boolean;
  /** Segments after the start marker. */
  segments?: readonly Buffer[];
}

export async function makeJpeg(scene: Scene, form: JpegForm = {}): Promise<Buffer> {
  const { isGrey = false, isCmyk = false, segments = [], ...options } = form;
  const image = sharp(toRgb(scene), { raw: { width: scene.width, height: scene.height, channels: 3 } });
  if (isGrey) image.toColourspace("b-w");
  if (isCmyk) image.toColourspace("cmyk");
  const jpeg = await image.jpeg({ quality: 95, chromaSubsampling: "4:4:4", ...options }).toBuffer();
  return withSegments(jpeg, ...segments);
}

/** Inserts bytes after the start marker. */
export function withSegments(jpeg: Buffer, ...segments: readonly Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

export function segment(marker: number, payload: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}

export function profileSegment(profile: Buffer): Buffer {
  return segment(0xe2, Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), profile]));
}

export function adobeSegment(transform: number): Buffer {
  return segment(0xee, Buffer.from([...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, transform]));
}

/** EXIF data with an orientation, as a camera writes it. */
export function exif(orientation: number): Buffer {
  const tiff = Buffer.from("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0", "latin1");
  tiff.writeUInt16LE(orientation, 18);
  return tiff;
}

export function exifSegment(orientation: number): Buffer {
  return segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), exif(orientation)]));
}

/** Inserts bytes before the segment number `index` after the start marker. */
export function withBytesBetweenSegments(jpeg: Buffer, index: number, bytes: Buffer): Buffer {
  let at = 2;
  for (let i = 0; i < index; i++) at += 2 + jpeg.readUInt16BE(at + 2);
  return Buffer.concat([jpeg.subarray(0, at), bytes, jpeg.subarray(at)]);
}
