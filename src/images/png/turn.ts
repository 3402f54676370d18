// Sets a PNG upright: decodes its samples without converting their colours, and keeps the chunks that say what they mean.
import { decoding, openUnconverted } from "../decoder.ts";
import { writeOrientation } from "../exif.ts";
import { createChunk, splitPng, withChunks } from "./chunk.ts";
import { colourTypes } from "./colours.ts";

/** Filters make the file smaller. Choosing them for more pixels takes seconds. */
const MAX_FILTERED_PIXELS = 12_000_000;

/** Crafted pixels take higher levels many seconds. */
const COMPRESSION_LEVEL = 1;

/**
 * Keeps the bit depth and the colour chunks. A palette becomes RGB.
 *
 * @param stripped a PNG without metadata @param orientation 2 to 8
 * @throws UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX
 */
export async function turnPng(stripped: Buffer, orientation: number): Promise<Buffer> {
  const exif = createChunk("eXIf", writeOrientation(orientation)).bytes;
  const image = openUnconverted(withChunks(stripped, [exif]));
  const { space, width, height } = await decoding(image.metadata());
  const adaptiveFiltering = width * height <= MAX_FILTERED_PIXELS;
  // Without its colour space, the result would have three channels of 8 bits.
  const options = { adaptiveFiltering, compressionLevel: COMPRESSION_LEVEL };
  const turned = await decoding(image.autoOrient().toColourspace(space).png(options).toBuffer());
  const colours = splitPng(stripped).filter(({ type }) => colourTypes.has(type));
  return withChunks(
    turned,
    colours.map(({ bytes }) => bytes),
  );
}
