import sharp from "sharp";
import { describe, expect, it } from "vitest";

import type { AppError } from "../../../src/errors.ts";
import { PictureMaker } from "../../../src/images/picture-maker.ts";
import { inThisProcess } from "../../../src/images/tasks.ts";
import { codeOf } from "../../support/code-of.ts";
import * as sampleImages from "../../support/sample-images.ts";

const maker = new PictureMaker({ maxConcurrent: 2, maxWaiting: 1000 }, inThisProcess);

/** The decoded pixels, to compare pictures by content. */
async function pixelsOf(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes, { pages: -1 }).raw().toBuffer();
}

/** The mean difference between the pixels of two pictures, 0 to 255, on a small grid. */
async function difference(a: Buffer, b: Buffer): Promise<number> {
  const [one, other] = await Promise.all(
    [a, b].map((bytes) =>
      sharp(bytes).resize(32, 32, { fit: "fill" }).removeAlpha().toColourspace("srgb").raw().toBuffer(),
    ),
  );
  return one!.reduce((sum, value, i) => sum + Math.abs(value - other![i]!), 0) / one!.length;
}

describe("a GIF with a frame beyond its screen", () => {
  it("keeps every byte, and has the size that the decoder reports", async () => {
    const gif = sampleImages.frameFloodGif(2);
    gif.writeUInt16LE(500, gif.indexOf(0x2c, 13) + 1);

    const picture = await maker.make(gif, "somebody");

    expect(picture).toMatchObject({ width: 501, height: 1 });
    expect(picture.original.equals(gif)).toBe(true);
  });
});

describe("a picture", () => {
  it.each([
    ["baseline JPEG", sampleImages.plainJpeg, "jpeg"],
    ["progressive JPEG", sampleImages.progressiveJpeg, "jpeg"],
    ["CMYK JPEG", sampleImages.cmykJpeg, "jpeg"],
    ["Display P3 JPEG", sampleImages.displayP3Jpeg, "jpeg"],
    ["palette PNG", sampleImages.palettePng, "png"],
    ["interlaced PNG", sampleImages.interlacedPng, "png"],
    ["16-bit PNG", sampleImages.png16, "png"],
    ["grey PNG", sampleImages.greyPng, "png"],
    ["transparent PNG", sampleImages.transparentPng, "png"],
    ["PNG of one pixel", sampleImages.onePixelPng, "png"],
    ["still GIF", sampleImages.stillGif, "gif"],
    ["transparent GIF", sampleImages.transparentGif, "gif"],
    ["animated GIF", sampleImages.animatedGif, "gif"],
  ])("without metadata keeps every byte: %s", async (_what, make, format) => {
    const bytes = await make();

    const picture = await maker.make(bytes, "somebody");

    expect(picture.format).toBe(format);
    expect(picture.original.equals(bytes)).toBe(true);
    expect(await sharp(picture.thumbnail).metadata()).toMatchObject({
      width: 150,
      height: 150,
      format,
      space: "srgb",
    });
  });

  it("is returned with its width and height", async () => {
    expect(await maker.make(sampleImages.portraitJpeg(), "somebody")).toMatchObject({
      width: 512,
      height: 600,
    });
    expect(await maker.make(await sampleImages.animatedGif(), "somebody")).toMatchObject({
      width: 120,
      height: 140,
    });
  });

  it("has a thumbnail of its middle that is not stretched", async () => {
    const bytes = sampleImages.portraitJpeg();

    const { thumbnail } = await maker.make(bytes, "somebody");

    const middle = await sharp(bytes).extract({ left: 0, top: 44, width: 512, height: 512 }).toBuffer();
    expect(await difference(thumbnail, middle)).toBeLessThan(6);
  });

  it("keeps its transparency in the thumbnail", async () => {
    const { thumbnail } = await maker.make(await sampleImages.transparentPng(), "somebody");

    const { data, info } = await sharp(thumbnail).raw().toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(4);
    expect(data[3]).toBe(0);
    expect(data[(75 * 150 + 75) * 4 + 3]).toBe(255);
  });

  it.each([sampleImages.cmykJpeg, sampleImages.displayP3Jpeg])(
    "has true colours in the thumbnail: %o",
    async (make) => {
      const { thumbnail } = await maker.make(await make(), "somebody");
      const { thumbnail: expected } = await maker.make(sampleImages.portraitJpeg(), "somebody");

      expect(await difference(thumbnail, expected)).toBeLessThan(12);
    },
  );

  it("keeps its colour profile, which the thumbnail does not have", async () => {
    const { original, thumbnail } = await maker.make(await sampleImages.displayP3Jpeg(), "somebody");

    expect((await sharp(original).metadata()).icc).toBeDefined();
    expect((await sharp(thumbnail).metadata()).icc).toBeUndefined();
  });

  it("stays animated, with the first frame as thumbnail", async () => {
    const bytes = await sampleImages.animatedGif();

    const { original, thumbnail } = await maker.make(bytes, "somebody");

    expect((await sharp(original).metadata()).pages).toBe(5);
    expect((await sharp(thumbnail).metadata()).pages ?? 1).toBe(1);
    expect(
      await difference(thumbnail, await sharp(bytes).resize(150, 150, { fit: "cover" }).png().toBuffer()),
    ).toBeLessThan(8);
  });
});

describe("orientation", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("%i gives the same upright picture", async (orientation) => {
    const upright = sampleImages.portraitJpeg();

    const picture = await maker.make(await sampleImages.orientedJpeg(orientation), "somebody");

    expect(picture).toMatchObject({ width: 512, height: 600 });
    expect((await sharp(picture.original).metadata()).orientation).toBeUndefined();
    expect(await difference(picture.original, upright)).toBeLessThan(4);
    expect(
      await difference(picture.thumbnail, (await maker.make(upright, "somebody")).thumbnail),
    ).toBeLessThan(4);
  });
});

describe("orientation of a PNG", () => {
  it.each(["before", "after"])("is applied when its chunk comes %s the pixels", async (where) => {
    const exif = Buffer.from([
      ...Buffer.from("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", "latin1"),
    ]);
    const png = await sampleImages.flatPng(40, 20);
    const at = where === "before" ? 33 : png.length - 12; // After IHDR, or before IEND.
    const bytes = Buffer.concat([png.subarray(0, at), sampleImages.pngChunk("eXIf", exif), png.subarray(at)]);

    const picture = await maker.make(bytes, "somebody");

    expect(picture).toMatchObject({ width: 20, height: 40 });
    expect(picture.original.includes("eXIf")).toBe(false);
  });
});

describe("a 16-bit PNG that lies on its side", () => {
  it("keeps its bit depth when it is turned upright", async () => {
    const bytes = await sharp(await sampleImages.png16())
      .toColourspace("rgb16")
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();

    const { original } = await maker.make(bytes, "somebody");

    expect(await sharp(original).metadata()).toMatchObject({ width: 300, height: 256, depth: "ushort" });
  });
});

describe("metadata", () => {
  it.each([1, 6])(
    "is removed from a photograph with orientation %i, including its location",
    async (orientation) => {
      const bytes = await sampleImages.orientedJpeg(orientation);
      expect((await sharp(bytes).metadata()).exif).toBeDefined();

      const { original, thumbnail } = await maker.make(bytes, "somebody");

      for (const stored of [original, thumbnail]) {
        expect((await sharp(stored).metadata()).exif).toBeUndefined();
        expect(stored.includes("Exif")).toBe(false);
        expect(stored.includes("Pocket")).toBe(false);
      }
    },
  );

  it("of a camera is removed without a change of the pixels", async () => {
    const bytes = sampleImages.cameraJpeg();
    expect([bytes.includes("NIKON"), bytes.includes("Exif")]).toEqual([true, true]);

    const { original, thumbnail, width, height } = await maker.make(bytes, "somebody");

    expect([width, height]).toEqual([500, 375]);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
    expect([original, thumbnail].some((stored) => stored.includes("NIKON") || stored.includes("Exif"))).toBe(
      false,
    );
  });

  it("is removed without a change of the pixels", async () => {
    const bytes = await sampleImages.orientedJpeg(1);

    const { original } = await maker.make(bytes, "somebody");

    expect(original.length).toBeLessThan(bytes.length);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });

  it.each([
    ["a JPEG's comment", () => Promise.resolve(sampleImages.portraitJpeg()), "wikimedia"],
    [
      "XMP in a JPEG",
      async () => withSegment(await sampleImages.plainJpeg(), 0xe1, "http://ns.adobe.com/xap/1.0/\0secret"),
      "secret",
    ],
    [
      "IPTC in a JPEG",
      async () => withSegment(await sampleImages.plainJpeg(), 0xed, "Photoshop 3.0\0secret"),
      "secret",
    ],
    [
      "a second picture in a JPEG",
      async () => withSegment(await sampleImages.plainJpeg(), 0xe2, "MPF\0secret"),
      "secret",
    ],
    [
      "bytes after the end of a JPEG",
      async () => Buffer.concat([await sampleImages.plainJpeg(), Buffer.from("secret")]),
      "secret",
    ],
    [
      "text in a PNG",
      async () => withChunk(await sampleImages.palettePng(), "tEXt", "Comment\0secret"),
      "secret",
    ],
    [
      "international text in a PNG",
      async () => withChunk(await sampleImages.palettePng(), "iTXt", "XML:com.adobe.xmp\0\0\0\0\0secret"),
      "secret",
    ],
    [
      "an unknown chunk of a PNG",
      async () => withChunk(await sampleImages.palettePng(), "seCr", "secret"),
      "secret",
    ],
    [
      "the frames of an animated PNG",
      async () => withChunk(await sampleImages.palettePng(), "fdAT", "secret"),
      "secret",
    ],
    [
      "bytes after the end of a PNG",
      async () => Buffer.concat([await sampleImages.palettePng(), Buffer.from("secret")]),
      "secret",
    ],
    ["a GIF's comment", async () => withExtension(await sampleImages.stillGif(), [0xfe], "secret"), "secret"],
    [
      "XMP in a GIF",
      async () =>
        withExtension(await sampleImages.stillGif(), [0xff, 11, ...Buffer.from("XMP DataXMP")], "secret"),
      "secret",
    ],
    [
      "bytes after the end of a GIF",
      async () => Buffer.concat([await sampleImages.stillGif(), Buffer.from("secret")]),
      "secret",
    ],
  ])("is removed: %s", async (_what, make, secret) => {
    const bytes = await make();
    expect(bytes.includes(secret)).toBe(true);

    const { original, thumbnail } = await maker.make(bytes, "somebody");

    expect(original.includes(secret)).toBe(false);
    expect(thumbnail.includes(secret)).toBe(false);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });
});

describe("a file that is not a valid picture within the limits", () => {
  it.each([
    ["baseline JPEG", sampleImages.plainJpeg],
    ["progressive JPEG", sampleImages.progressiveJpeg],
    ["PNG", sampleImages.palettePng],
    ["interlaced PNG", sampleImages.interlacedPng],
    ["still GIF", sampleImages.stillGif],
    ["animated GIF", sampleImages.animatedGif],
  ])("is refused wherever it is truncated: %s", async (_what, make) => {
    const bytes = await make();
    const lengths = Array.from({ length: 98 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 100));

    const outcomes = await Promise.all(lengths.map((length) => codeOf(maker, bytes.subarray(0, length))));

    expect([...new Set(outcomes)]).toEqual(["UNREADABLE_IMAGE"]);
  });

  it.each([
    ["JPEG", sampleImages.plainJpeg, 1],
    ["progressive JPEG", sampleImages.progressiveJpeg, 2],
    ["PNG", sampleImages.palettePng, 12],
    ["GIF", sampleImages.animatedGif, 1],
  ])("is accepted when only its end is missing: %s", async (_what, make, missingBytes) => {
    const bytes = await make();

    const cut = await maker.make(bytes.subarray(0, -missingBytes), "somebody");

    const whole = await maker.make(bytes, "somebody");
    expect((await pixelsOf(cut.original)).equals(await pixelsOf(whole.original))).toBe(true);
  });

  it.each([
    ["text", Buffer.from("I am a picture, believe me"), "UNSUPPORTED_IMAGE_TYPE"],
    [
      "SVG",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      "UNSUPPORTED_IMAGE_TYPE",
    ],
    ["HTML", Buffer.from("<!doctype html><script>alert(1)</script>"), "UNSUPPORTED_IMAGE_TYPE"],
    ["a PDF", Buffer.from("%PDF-1.7\n"), "UNSUPPORTED_IMAGE_TYPE"],
    ["a JPEG's first bytes", Buffer.from([0xff, 0xd8, 0xff]), "UNREADABLE_IMAGE"],
    [
      "a PNG's first bytes",
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      "UNREADABLE_IMAGE",
    ],
    ["a GIF's first bytes", Buffer.from("GIF89a"), "UNREADABLE_IMAGE"],
    ["a PNG with a width of zero", sampleImages.pngHeaderOf(0, 10), "UNREADABLE_IMAGE"],
    [
      "a PNG whose header promises more pixels than it holds",
      sampleImages.pngHeaderOf(3000, 3000),
      "UNREADABLE_IMAGE",
    ],
    ["a PNG of 2.5 gigapixels", sampleImages.pngHeaderOf(50_000, 50_000), "IMAGE_TOO_COMPLEX"],
    ["a GIF of 35,000 frames", sampleImages.frameFloodGif(35_000), "IMAGE_TOO_COMPLEX"],
    ["a GIF of 1,001 frames", sampleImages.frameFloodGif(1_001), "IMAGE_TOO_COMPLEX"],
  ])("is refused: %s", async (_what, bytes, code) => {
    expect(await codeOf(maker, bytes)).toBe(code);
  });

  it.each([
    ["whose only frame is 65,535 pixels wide and high on a screen of one pixel", [0, 0, 65_535, 65_535]],
    ["whose frame has no pixels", [0, 0, 0, 0]],
  ])("is refused as a GIF %s", async (_what, [x, y, width, height]) => {
    const gif = sampleImages.frameFloodGif(1);
    const frameAt = gif.indexOf(0x2c, 13);
    [x, y, width, height].forEach((value, i) => gif.writeUInt16LE(value!, frameAt + 1 + 2 * i));

    expect(["UNREADABLE_IMAGE", "IMAGE_TOO_COMPLEX"]).toContain(await codeOf(maker, gif));
  });

  it("is refused as a JPEG with more scans than any encoder makes", async () => {
    expect(await codeOf(maker, sampleImages.scanFloodJpeg())).toBe("IMAGE_TOO_COMPLEX");
  });

  it.each([
    [39_000_000, 1],
    [1, 16_385],
  ])("is refused as a strip of %i × %i pixels", async (width, height) => {
    expect(await codeOf(maker, sampleImages.pngHeaderOf(width, height))).toBe("IMAGE_TOO_COMPLEX");
  });

  it.each([
    [
      "HEIC",
      "image/heic",
      Buffer.concat([Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), Buffer.alloc(99)]),
    ],
    ["PDF", "application/pdf", Buffer.from("%PDF-1.7\n")],
  ])("is named by its bytes: %s", async (type, actual, bytes) => {
    await expect(maker.make(bytes, "somebody")).rejects.toMatchObject({
      message: `The file has the type ${type}. Pictures can be JPG, PNG or GIF.`,
      details: { actual },
    });
  });

  it("is not named as an accepted type: GIF88a", async () => {
    const error = await maker.make(Buffer.from("GIF88a and more"), "somebody").catch((e: unknown) => e);

    expect(error).toMatchObject({ message: "The file is not a JPG, PNG or GIF image." });
    expect((error as AppError).details).not.toHaveProperty("actual");
  });

  it("is refused with the actual value and the allowed ones", async () => {
    await expect(
      maker.make(await sharp(sampleImages.portraitJpeg()).webp().toBuffer(), "somebody"),
    ).rejects.toMatchObject({
      code: "UNSUPPORTED_IMAGE_TYPE",
      details: { actual: "image/webp", allowed: ["image/jpeg", "image/png", "image/gif"] },
    });
    await expect(maker.make(sampleImages.pngHeaderOf(10_000, 4_001), "somebody")).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      details: { limit: 40_000_000, actual: 40_010_000 },
    });
  });

  it("is refused when it would take too much memory, although it has few enough pixels", async () => {
    const bytes = sampleImages.pngHeaderOf(6300, 6300, { bitDepth: 16, colourType: 6, isInterlaced: true });

    await expect(maker.make(bytes, "somebody")).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      details: { limit: 240_000_000, actual: 444_528_000 + 4 * bytes.length },
    });
  });

  it("is distinguished from a file at the limits, which is accepted", async () => {
    expect(await codeOf(maker, sampleImages.frameFloodGif(1_000))).toBe("none");
    expect(await codeOf(maker, await sampleImages.flatPng(8000, 5000))).toBe("none");
  });

  it("is refused when a checksum is wrong", async () => {
    const bytes = await sampleImages.palettePng();
    bytes[bytes.length - 30]! ^= 1;

    expect(await codeOf(maker, bytes)).toBe("UNREADABLE_IMAGE");
  });
});

describe("pictures beyond the capacity of the queue", () => {
  it("are refused as OVERLOADED, and waiting pictures are still made", async () => {
    const busy = new PictureMaker({ maxConcurrent: 1, maxWaiting: 1 }, inThisProcess);
    const bytes = sampleImages.portraitJpeg();

    const outcomes = await Promise.allSettled([
      busy.make(bytes, "somebody"),
      busy.make(bytes, "somebody"),
      busy.make(bytes, "somebody"),
    ]);

    // The headers are read concurrently, so any of the three pictures may be refused.
    const refusals = outcomes.filter(({ status }) => status === "rejected");
    expect(refusals).toMatchObject([{ reason: { code: "OVERLOADED", details: { retryAfterSeconds: 5 } } }]);
    await expect(busy.make(bytes, "somebody")).resolves.toBeDefined();
  });
});

function withSegment(jpeg: Buffer, marker: number, payload: string): Buffer {
  const head = Buffer.from([0xff, marker, 0, payload.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, Buffer.from(payload), jpeg.subarray(2)]);
}

/** Inserts a chunk after IHDR, which ends at byte 33. */
function withChunk(png: Buffer, type: string, data: string): Buffer {
  return Buffer.concat([
    png.subarray(0, 33),
    sampleImages.pngChunk(type, Buffer.from(data)),
    png.subarray(33),
  ]);
}

/** Inserts an extension before the trailer. */
function withExtension(gif: Buffer, head: number[], text: string): Buffer {
  const extension = Buffer.from([0x21, ...head, text.length, ...Buffer.from(text), 0]);
  return Buffer.concat([gif.subarray(0, -1), extension, gif.subarray(-1)]);
}
