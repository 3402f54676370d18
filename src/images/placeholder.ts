// The placeholder that clients show until a picture has loaded: a ThumbHash (about 25 bytes) and the main colour.
import { rgbaToThumbHash, thumbHashToRGBA } from "thumbhash";

import type { Placeholder } from "../domain/media.ts";
import { decoding, openPixels } from "./decoder.ts";

/** Side of the square that a placeholder is computed from. The hash holds less detail than that. */
export const PLACEHOLDER_SIDE_PX = 32;

/** Colours with the same upper four bits of red, green and blue share a bin. */
const BIN_BITS = 4;

/** @param rgba pixels of a square of `PLACEHOLDER_SIDE_PX`, four bytes each */
export function makePlaceholder(rgba: Uint8Array): Placeholder {
  const thumbHash = rgbaToThumbHash(PLACEHOLDER_SIDE_PX, PLACEHOLDER_SIDE_PX, rgba);
  return { thumbHash: Buffer.from(thumbHash).toString("base64"), dominantColor: findDominantColor(rgba) };
}

/** The mean colour of the fullest bin, weighted by opacity. White when every pixel is transparent. */
function findDominantColor(rgba: Uint8Array): string {
  const bins = new Map<number, { weight: number; red: number; green: number; blue: number }>();
  for (let at = 0; at < rgba.length; at += 4) {
    const [red, green, blue, alpha] = rgba.subarray(at, at + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const key = [red, green, blue].reduce((bits, part) => (bits << BIN_BITS) | (part >> (8 - BIN_BITS)), 0);
    const bin = bins.get(key) ?? { weight: 0, red: 0, green: 0, blue: 0 };
    bins.set(key, {
      weight: bin.weight + alpha,
      red: bin.red + red * alpha,
      green: bin.green + green * alpha,
      blue: bin.blue + blue * alpha,
    });
  }
  const fullest = [...bins.values()].reduce((best, bin) => (bin.weight > best.weight ? bin : best));
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
