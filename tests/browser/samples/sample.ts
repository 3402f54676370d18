// A picture to upload, with its name and tolerance. Code makes all samples, and they are the same in each run.
import { greyProfile, primaries, rgbProfile } from "./icc.ts";

export interface Sample {
  name: string;
  bytes: Buffer;
  /** True for a file whose colours have to be converted. */
  isColourManaged?: boolean;
  /** For a file that Chromium does not show: the same picture without damage. */
  looksLike?: Buffer;
}

/** A tone curve that is not a power function, as for printing. */
const dotGain = Array.from({ length: 64 }, (_, i) => ((i / 63) ** 1.75 * (1 + 0.25 * (i / 63))) / 1.25);

export const greyProfiles = {
  "gamma 1.8": greyProfile(1.8),
  linear: greyProfile(1),
  "dot gain": greyProfile(dotGain),
};
export const rgbProfiles = {
  sRGB: rgbProfile(primaries.srgb, 2.2),
  "Display P3": rgbProfile(primaries.displayP3, 2.2),
  "Adobe RGB": rgbProfile(primaries.adobeRgb, 563 / 256),
  "linear sRGB": rgbProfile(primaries.srgb, 1),
};
