// The placeholder that clients show until a picture has loaded: a ThumbHash (about 25 bytes) and the main colour.
import { rgbaToThumbHash, thumbHashToRGBA } from "thumbhash";

import type { Placeholder } from "../domain/media.ts";
import { THUMBNAIL_SIDE_PX } from "../domain/picture-format.ts";
import { decoding, openPixels, type Pixels } from "./decoder.ts";

/** Side of the square that a placeholder is computed from. The hash holds less detail than that. */
const SIDE_PX = 30;

/** Each of its pixels is the mean of this many pixels of a thumbnail, horizontally and vertically. */
const STEP_PX = THUMBNAIL_SIDE_PX / SIDE_PX;

/** Colours with the same upper four bits of red, green and blue share a bin. */
const BIN_BITS = 4;

/** @param square of the size of a thumbnail */
export function makePlaceholder(square: Pixels): Placeholder {
  const rgba = reduce(square);
  const thumbHash = rgbaToThumbHash(SIDE_PX, SIDE_PX, rgba);
  return { thumbHash: Buffer.from(thumbHash).toString("base64"), dominantColor: findDominantColor(rgba) };
}

/** Returns the means of the square's pixels, weighted by opacity, as four bytes each. */
function reduce({ bytes, width, channels }: Pixels): Uint8Array {
  const hasAlpha = channels === 2 || channels === 4;
  const [greenAt, blueAt] = channels < 3 ? [0, 0] : [1, 2];
  const rgba = new Uint8Array(SIDE_PX * SIDE_PX * 4);
  for (let cell = 0; cell < SIDE_PX * SIDE_PX; cell++) {
    const firstRow = Math.floor(cell / SIDE_PX) * STEP_PX;
    const firstColumn = (cell % SIDE_PX) * STEP_PX;
    let [red, green, blue, alpha] = [0, 0, 0, 0];
    for (let row = firstRow; row < firstRow + STEP_PX; row++) {
      const start = (row * width + firstColumn) * channels;
      for (let at = start; at < start + STEP_PX * channels; at += channels) {
        const weight = hasAlpha ? bytes[at + channels - 1]! : 255;
        red += bytes[at]! * weight;
        green += bytes[at + greenAt]! * weight;
        blue += bytes[at + blueAt]! * weight;
        alpha += weight;
      }
    }
    if (alpha === 0) continue;
    rgba.set([red / alpha, green / alpha, blue / alpha, alpha / STEP_PX ** 2].map(Math.round), cell * 4);
  }
  return rgba;
}

/** The mean colour of the fullest bin, weighted by opacity. White when every pixel is transparent. */
function findDominantColor(rgba: Uint8Array): string {
  const bins = new Map<number, { weight: number; red: number; green: number; blue: number }>();
  let fullest = { weight: 0, red: 0, green: 0, blue: 0 };
  for (let at = 0; at < rgba.length; at += 4) {
    const [red, green, blue, alpha] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!, rgba[at + 3]!];
    const dropped = 8 - BIN_BITS;
    const key = ((red >> dropped) << (2 * BIN_BITS)) | ((green >> dropped) << BIN_BITS) | (blue >> dropped);
    const bin = bins.get(key) ?? { weight: 0, red: 0, green: 0, blue: 0 };
    bins.set(key, bin);
    bin.weight += alpha;
    bin.red += red * alpha;
    bin.green += green * alpha;
    bin.blue += blue * alpha;
    if (bin.weight > fullest.weight) fullest = bin;
  }
  if (fullest.weight === 0) return "#ffffff";
  const parts = [fullest.red, fullest.green, fullest.blue].map((sum) => Math.round(sum / fullest.weight));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Renders the blurred picture as a data URL of about 200 characters. @param thumbHash in base64 */
export async function renderThumbHash(thumbHash: string): Promise<string> {
  const { w: width, h: height, rgba } = thumbHashToRGBA(Buffer.from(thumbHash, "base64"));
  const pixels = { bytes: Buffer.from(rgba), width, height, channels: 4 } as const;
  const webp = await decoding(openPixels(pixels).webp({ quality: 40, effort: 0 }).toBuffer());
  return `data:image/webp;base64,${webp.toString("base64")}`;
}
