// Checks that turning a JPG loses nothing, and keeps its channels, sampling and size.
import sharp from "sharp";
import { describe, expect, it } from "vitest";

import { rebuildJpeg } from "../../../src/images/jpeg/rebuild.ts";
import { parseJpeg } from "../../../src/images/jpeg/segments.ts";
import * as sampleImages from "../../support/sample-images.ts";

/** The orientation that undoes each orientation. */
const opposites = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6 } as const;
const orientations = [1, 2, 3, 4, 5, 6, 7, 8] as const;

const portrait = sharp(sampleImages.portraitJpeg());
const forms = {
  "4:2:0": portrait.clone().resize(160, 112).jpeg({ chromaSubsampling: "4:2:0" }),
  "4:4:4": portrait.clone().resize(160, 112).jpeg({ chromaSubsampling: "4:4:4" }),
  progressive: portrait.clone().resize(160, 112).jpeg({ progressive: true }),
  grey: portrait.clone().resize(160, 112).toColourspace("b-w").jpeg(),
  CMYK: portrait.clone().resize(160, 112).toColourspace("cmyk").jpeg(),
  "restart markers": sharp(sampleImages.restartJpeg()),
};

const strippedOf = (jpeg: Buffer) => parseJpeg(jpeg).toStripped();

async function pixelsOf(jpeg: Buffer): Promise<Buffer> {
  return sharp(jpeg, { failOn: "warning" }).raw().toBuffer();
}

describe.each(Object.entries(forms))("a JPG of whole blocks: %s", (form, image) => {
  it.each(orientations)("loses nothing at orientation %i", async (orientation) => {
    const jpeg = strippedOf(
      form === "restart markers" ? sampleImages.restartJpeg() : await image.clone().toBuffer(),
    );

    const turned = rebuildJpeg(jpeg, orientation);
    const turnedBack = rebuildJpeg(turned, opposites[orientation]);

    expect((await pixelsOf(turnedBack)).equals(await pixelsOf(jpeg))).toBe(true);
    expect(turned.length).toBeLessThan(jpeg.length * 1.06);
    const [before, after] = await Promise.all([jpeg, turned].map((bytes) => sharp(bytes).metadata()));
    expect(after).toMatchObject({
      channels: before!.channels,
      chromaSubsampling: before!.chromaSubsampling,
      width: orientation >= 5 ? before!.height : before!.width,
    });
  });
});

describe("a JPG that ends within a block", () => {
  it.each(orientations)("keeps its size and looks the same at orientation %i", async (orientation) => {
    const jpeg = strippedOf(await portrait.clone().resize(161, 115).jpeg({ quality: 90 }).toBuffer());

    const turned = rebuildJpeg(jpeg, orientation);

    const expected = await sharp(jpeg).withMetadata({ orientation }).png().toBuffer();
    const [actual, wanted] = [await pixelsOf(turned), await sharp(expected).autoOrient().raw().toBuffer()];
    expect(actual.length).toBe(wanted.length);
    const sum = actual.reduce((total, value, i) => total + Math.abs(value - wanted[i]!), 0);
    expect(sum / actual.length).toBeLessThan(5);
    expect(turned.length).toBeLessThan(jpeg.length * 1.12);
  });
});
