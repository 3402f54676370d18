// Draws the default picture of a user without a picture as pixels: white initials on a colour.
import { createRequire } from "node:module";

import sharp from "sharp";

import type { RenditionFormat } from "../domain/rendition.ts";
import { decoding } from "./decoder.ts";
import { escapeXml } from "./default-svg.ts";
import { renditionOptions } from "./rendition.ts";

/** DejaVu Sans from a package, so that no fonts need to be installed. */
const fontfile = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf");

/** Scripts for which the font has all letters. Letters of other scripts would appear as boxes with numbers. */
const drawable =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Georgian}\p{M}\u200c0-9]+$/u;

/** Georgian Mtavruli capitals, which are rarely used and which the font lacks. */
const lacking = /[\u1c90-\u1cbf]/u;

/** More effort would not make the file smaller: the picture has only two letters. */
const cheapAvif = { ...renditionOptions.avif, effort: 0 };

/** The letters may take these fractions of the side. */
const TEXT_WIDTH = 0.6;
const TEXT_HEIGHT = 0.4;

/** Draws the picture for clients that cannot show SVG. Draws a figure when the font lacks the letters. */
export async function drawDefaultImage(
  initials: string,
  colour: string,
  sidePx: number,
  format: RenditionFormat,
): Promise<Buffer> {
  const overlay =
    drawable.test(initials) && !lacking.test(initials)
      ? await drawLetters(initials, sidePx)
      : drawFigure(sidePx);
  const ground = sharp({ create: { width: sidePx, height: sidePx, channels: 3, background: colour } });
  const options = { png: { palette: true }, avif: cheapAvif }[format as string] ?? renditionOptions[format];
  return decoding(ground.composite([overlay]).toFormat(format, options).toBuffer());
}

type Overlay = { input: Buffer; raw: { width: number; height: number; channels: 4 } };

async function drawLetters(initials: string, sidePx: number): Promise<Overlay> {
  const [width, height] = [TEXT_WIDTH, TEXT_HEIGHT].map((share) => Math.round(share * sidePx)) as [
    number,
    number,
  ];
  const text = `<span foreground="white">${escapeXml(initials)}</span>`;
  const image = sharp({ text: { text, font: "DejaVu Sans Bold", fontfile, width, height, rgba: true } });
  const { data, info } = await decoding(image.raw().toBuffer({ resolveWithObject: true }));
  return { input: data, raw: { width: info.width, height: info.height, channels: 4 } };
}

/** Draws a head and shoulders. */
function drawFigure(sidePx: number): Overlay {
  const rgba = Buffer.alloc(sidePx * sidePx * 4, 255);
  for (let pixel = 0; pixel < sidePx * sidePx; pixel++) {
    const x = ((pixel % sidePx) + 0.5) / sidePx - 0.5;
    const y = (Math.floor(pixel / sidePx) + 0.5) / sidePx;
    const isHead = Math.hypot(x, y - 0.38) < 0.17;
    const isBody = Math.hypot(x / 0.32, (y - 0.92) / 0.3) < 1;
    rgba[pixel * 4 + 3] = isHead || isBody ? 255 : 0;
  }
  return { input: rgba, raw: { width: sidePx, height: sidePx, channels: 4 } };
}
