// The initials and the background colour that stand for a user without a picture.
import { createHash } from "node:crypto";

import type { UserId } from "./ids.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** In these scripts, neighbouring letters join, unless a non-joiner separates them. */
const joiningScripts = /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}]/u;
const ZERO_WIDTH_NON_JOINER = "\u200c";

/** In these scripts, the first character of a name serves as its initials. */
const singleCharacterScripts =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/**
 * Returns the first letters of the first and the last word of a name. A grapheme counts as one letter, and so does an
 * emoji. The initials of a name without letters, digits and emoji are "".
 */
export function initialsOf(name: string): string {
  const words = name
    .normalize("NFKC")
    .split(/[\s._\-+@/|,;:]+/u)
    .flatMap((word) => firstLetterOf(word) ?? []);
  const [first, last] = [words.at(0), words.length > 1 ? words.at(-1) : undefined];
  if (first === undefined) return "";
  if (last === undefined || singleCharacterScripts.test(first)) return first;
  const isJoined = joiningScripts.test(first) && joiningScripts.test(last);
  return first + (isJoined ? ZERO_WIDTH_NON_JOINER : "") + last;
}

function firstLetterOf(word: string): string | undefined {
  for (const { segment } of graphemes.segment(word)) {
    if (/[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u.test(segment)) return capital(segment);
  }
  return undefined;
}

/**
 * Returns the capital form. A letter whose capital form is two letters, such as "ß", stays as it is. Georgian letters
 * stay too, because Georgian names do not begin with a capital.
 */
function capital(letter: string): string {
  if (/\p{Script=Georgian}/u.test(letter)) return letter;
  const upper = letter.toUpperCase();
  return [...graphemes.segment(upper)].length === 1 ? upper : letter;
}

/** The contrast that WCAG 2.2 requires between a text and its background. */
const MIN_CONTRAST = 4.5;

/** Returns "#rrggbb", always the same for a user, and dark enough for white text. */
export function colourOf(id: UserId): string {
  const hash = createHash("sha256").update(id).digest();
  const hue = hash.readUInt16BE(0) % 360;
  for (let lightness = 50; ; lightness--) {
    const rgb = fromHsl(hue, 0.55, lightness / 100);
    if (1.05 / (luminanceOf(rgb) + 0.05) >= MIN_CONTRAST) {
      return `#${rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
    }
  }
}

/** Source: CSS Color Module Level 4, section 7.1. @returns red, green and blue, 0 to 255 */
function fromHsl(hue: number, saturation: number, lightness: number): number[] {
  return [0, 8, 4].map((offset) => {
    const k = (offset + hue / 30) % 12;
    const chroma = saturation * Math.min(lightness, 1 - lightness);
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

/** Source: WCAG 2.2, "relative luminance". */
function luminanceOf(rgb: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
