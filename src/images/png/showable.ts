// Gives a PNG a colour profile where other chunks say which colours it has: the decoder reads only profiles.
import { promisify } from "node:util";
import { deflate } from "node:zlib";

import { decoding, openUnconverted } from "../decoder.ts";
import { createChunk, SIGNATURE_BYTES, splitPng, withChunks } from "./chunk.ts";
import { colourTypes, profileOf } from "./colours.ts";
import { readPngHeader } from "./header.ts";

const deflateAsync = promisify(deflate);

/** @param bytes an upright PNG without metadata @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX */
export async function showablePng(bytes: Buffer): Promise<{ bytes: Buffer; width: number; height: number }> {
  const chunks = splitPng(bytes);
  const dataOf = (type: string) => chunks.find((chunk) => chunk.type === type)?.data;
  const { widthPx: width, heightPx: height, isGrey, bitDepth } = readPngHeader(dataOf("IHDR")!);
  const made = profileOf(dataOf, isGrey);
  const own = chunks.find(({ type }) => type === "iCCP");
  // The decoder does not convert the colours of samples of 16 bits.
  const mustReduce = bitDepth === 16 && (made !== null || own !== undefined);
  if (!made && !mustReduce) return { bytes, width, height };
  const profile = made
    ? createChunk("iCCP", Buffer.concat([Buffer.from("made\0\0", "latin1"), await deflateAsync(made)]))
    : own!;
  const samples = mustReduce
    ? await reduceTo8Bits(bytes)
    : Buffer.concat([
        bytes.subarray(0, SIGNATURE_BYTES),
        ...chunks.filter(({ type }) => !colourTypes.has(type)).map((chunk) => chunk.bytes),
      ]);
  return { bytes: withChunks(samples, [profile.bytes]), width, height };
}

/** Returns a PNG without colour chunks. */
async function reduceTo8Bits(bytes: Buffer): Promise<Buffer> {
  const image = openUnconverted(bytes);
  const { space } = await decoding(image.metadata());
  return decoding(
    image
      .toColourspace(space === "grey16" ? "b-w" : "srgb")
      .png({ compressionLevel: 1 })
      .toBuffer(),
  );
}
