// Checks that bytes hidden in a file, outside of its picture, are not stored. Also checks that a file is refused when
// data is missing in its middle, although its start and its end are in place.
import { deflateSync, inflateSync } from "node:zlib";

import sharp from "sharp";
import { describe, expect, it } from "vitest";

import { PictureMaker } from "../../../src/images/picture-maker.ts";
import { inThisProcess } from "../../../src/images/tasks.ts";
import { codeOf } from "../../support/code-of.ts";
import * as sampleImages from "../../support/sample-images.ts";

const maker = new PictureMaker({ maxConcurrent: 2, maxWaiting: 1000 }, inThisProcess);
const secret = "<?php secret();?>";

async function profileOf(bytes: Buffer): Promise<Buffer> {
  return (await sharp(bytes).metadata()).icc!;
}

function before(jpeg: Buffer, at: number, hidden: string | Buffer): Buffer {
  return Buffer.concat([jpeg.subarray(0, at), Buffer.from(hidden), jpeg.subarray(at)]);
}

/** The JPEG without the segments of one kind before its first scan. */
function withoutSegments(jpeg: Buffer, marker: number): Buffer {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  for (; jpeg[at + 1] !== 0xda; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1] !== marker) kept.push(jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2)));
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
}

/** A scan of one byte, for the components with these ids. */
function scanOf(...ids: number[]): Buffer {
  const components = ids.flatMap((id) => [id, 0]);
  return Buffer.of(0xff, 0xda, 0, 6 + components.length, ids.length, ...components, 0, 63, 0, 0x7f);
}

function profileSegment(part: number, partCount: number, data: Buffer | string): Buffer {
  const payload = Buffer.concat([
    Buffer.from("ICC_PROFILE\0"),
    Buffer.of(part, partCount),
    Buffer.from(data),
  ]);
  const head = Buffer.from([0xff, 0xe2, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([head, payload]);
}

describe("bytes hidden in a file", () => {
  it.each<[string, () => Promise<Buffer>]>([
    [
      "in place of a JPEG's colour profile",
      async () => before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, secret.repeat(20))),
    ],
    [
      "as a JPEG's colour profile without tags",
      async () => {
        const header = (await profileOf(await sampleImages.displayP3Jpeg())).subarray(0, 128);
        const spoilt = Buffer.concat([header, Buffer.from(secret.repeat(20))]);
        spoilt.writeUInt32BE(spoilt.length);
        return before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, spoilt));
      },
    ],
    [
      "as part 0 of 0 of a JPEG's colour profile",
      async () => before(await sampleImages.plainJpeg(), 2, profileSegment(0, 0, secret)),
    ],
    [
      "after a JPEG's colour profile",
      async () => {
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        return before(
          await sampleImages.plainJpeg(),
          2,
          profileSegment(1, 1, Buffer.concat([profile, Buffer.from(secret)])),
        );
      },
    ],
    [
      "in a JPEG's JFIF segment that is too short",
      async () =>
        before(await sampleImages.plainJpeg(), 2, Buffer.from(`\xff\xe0\0\x09JFIF\0\x01\x01`, "latin1")),
    ],
    [
      "as the name of a PNG's colour profile",
      async () => {
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        const data = Buffer.concat([Buffer.from(`${secret.repeat(20)}\0\0`), deflateSync(profile)]);
        return before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", data));
      },
    ],
    [
      "in place of a PNG's colour profile",
      async () => {
        const png = await sampleImages.palettePng();
        const data = Buffer.concat([Buffer.from("name\0\0"), deflateSync(Buffer.from(secret.repeat(20)))]);
        return before(png, 33, sampleImages.pngChunk("iCCP", data));
      },
    ],
    [
      "after the colour profile of a PNG",
      async () => {
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        const data = Buffer.concat([Buffer.from("P3\0\0"), deflateSync(profile), Buffer.from(secret)]);
        return before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", data));
      },
    ],
    [
      "in a comment of a PNG with a wrong checksum",
      async () => {
        const chunk = sampleImages.pngChunk("tEXt", Buffer.from(`Comment\0${secret}`));
        chunk[chunk.length - 1]! ^= 1;
        return before(await sampleImages.palettePng(), 33, chunk);
      },
    ],
    [
      "as zeros between the blocks of a GIF",
      async () => {
        const gif = await sampleImages.stillGif();
        return before(gif, gif.length - 1, Buffer.alloc(5));
      },
    ],
    [
      "after the pixels of a GIF",
      async () => sampleImages.withSubBlock(await sampleImages.stillGif(), secret),
    ],
    [
      "after the pixels of a frame of an animated GIF",
      async () => sampleImages.withSubBlock(await sampleImages.animatedGif(), secret),
    ],
    [
      "in further NETSCAPE extensions of a GIF, which say how often it repeats",
      async () => {
        const gif = await sampleImages.animatedGif();
        const extension = Buffer.from(`\x21\xff\x0bNETSCAPE2.0\x0d<?php 1234567\0`, "latin1");
        return before(gif, gif.length - 1, Buffer.concat([extension, extension]));
      },
    ],
    [
      "as a colour profile after the scan of a JPEG",
      async () => {
        const jpeg = await sampleImages.plainJpeg();
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        return before(jpeg, jpeg.length - 2, profileSegment(1, 1, profile));
      },
    ],
    [
      "in place of a GIF's colour profile",
      async () => {
        const gif = await sampleImages.stillGif();
        const extension = Buffer.from(
          `\x21\xff\x0bICCRGBG1012${String.fromCharCode(secret.length)}${secret}\0`,
          "latin1",
        );
        return before(gif, gif.length - 1, extension);
      },
    ],
  ])("are dropped without a change of the pixels: %s", async (_where, make) => {
    const bytes = await make();

    const { original, thumbnail } = await maker.make(bytes, "somebody");

    expect(original.length).toBeLessThan(bytes.length);
    expect([original, thumbnail].some((stored) => stored.includes("php"))).toBe(false);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });

  it("are overwritten with zeros after the tags of a colour profile", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const spoilt = Buffer.concat([profile, Buffer.from(secret)]);
    spoilt.writeUInt32BE(spoilt.length);
    const bytes = before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, spoilt));

    const { original } = await maker.make(bytes, "somebody");

    expect(original.includes("php")).toBe(false);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });

  it("are dropped as fill bytes in the data of a JPEG, which decoders read differently", async () => {
    const jpeg = await sampleImages.plainJpeg();
    const stuffed = jpeg.indexOf(Buffer.from([0xff, 0x00]), sampleImages.scansOf(jpeg)[0]);

    const { original } = await maker.make(before(jpeg, stuffed, Buffer.of(0xff)), "somebody");

    expect((await pixelsOf(original)).equals(await pixelsOf(jpeg))).toBe(true);
    expect(original.includes(Buffer.from([0xff, 0xff, 0x00]))).toBe(false);
  });

  it.each<[string, (pixels: Buffer) => Buffer[]]>([
    ["surplus rows", (pixels) => [deflateSync(Buffer.concat([inflateSync(pixels), Buffer.from(secret)]))]],
    ["data after the compressed pixels", (pixels) => [Buffer.concat([pixels, Buffer.from(secret)])]],
    ["a chunk after the pixels", (pixels) => [pixels, Buffer.from(secret)]],
  ])("are harmless in the compressed data of a PNG: %s", async (_where, change) => {
    const png = await sampleImages.palettePng();

    const { original, thumbnail } = await maker.make(sampleImages.withPixelData(png, change), "somebody");

    expect((await pixelsOf(original)).equals(await pixelsOf(png))).toBe(true);
    expect(thumbnail.includes("php")).toBe(false);
  });
});

describe("colour profiles", () => {
  it("are kept when hidden bytes after them are dropped", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const spoilt = Buffer.concat([profile, Buffer.from(secret)]);
    const jpeg = before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, spoilt));
    const iccp = Buffer.concat([Buffer.from("P3\0\0"), deflateSync(spoilt)]);
    const png = before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", iccp));

    const stored = await Promise.all([jpeg, png].map((bytes) => maker.make(bytes, "somebody")));

    for (const { original } of stored) expect((await profileOf(original)).equals(profile)).toBe(true);
  });

  it("are kept byte for byte in several parts", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const parts = [profile.subarray(0, 200), profile.subarray(200)];
    const segments = parts.map((part, i) => profileSegment(i + 1, 2, part));
    const bytes = before(await sampleImages.plainJpeg(), 2, Buffer.concat(segments));

    expect((await maker.make(bytes, "somebody")).original.equals(bytes)).toBe(true);
  });

  it("are kept when their parts are out of order", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const parts = [
      profileSegment(2, 2, profile.subarray(200)),
      profileSegment(1, 2, profile.subarray(0, 200)),
    ];
    const bytes = before(await sampleImages.plainJpeg(), 2, Buffer.concat(parts));

    expect((await profileOf((await maker.make(bytes, "somebody")).original)).equals(profile)).toBe(true);
  });

  // A decoder would apply thousands of processing elements of a profile of 500 bytes to each colour.
  it.each(["D2B0", "D2B1", "D2B2", "D2B3", "B2D0", "B2D1", "B2D2", "B2D3", "A2B0", "rTRC"])(
    "lose a tag with processing elements: %s",
    async (tag) => {
      const profile = Buffer.from(await profileOf(await sampleImages.displayP3Jpeg()));
      const entryAt = profile.indexOf("cprt");
      profile.write(tag, entryAt, "latin1");
      profile.write("mpet", profile.readUInt32BE(entryAt + 4), "latin1");
      const iccp = Buffer.concat([Buffer.from("P3\0\0"), deflateSync(profile)]);
      const jpeg = before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, profile));
      const png = before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", iccp));

      for (const bytes of [jpeg, png]) {
        const kept = await profileOf((await maker.make(bytes, "somebody")).original);
        expect(kept.toString("latin1", entryAt, entryAt + 4)).toBe(tag.toLowerCase());
        expect(kept.length).toBe(profile.length);
      }
    },
  );

  it("that would inflate to hundreds of megabytes are dropped without being inflated", async () => {
    const bomb = Buffer.concat([Buffer.from("bomb\0\0"), deflateSync(Buffer.alloc(500_000_000))]);
    const bytes = before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", bomb));

    expect(bytes.length).toBeLessThan(819_200);
    const { original } = await maker.make(bytes, "somebody");

    expect(original.includes("iCCP")).toBe(false);
  });
});

describe("a file with data missing in its middle is refused:", () => {
  it.each([
    ["baseline JPEG", sampleImages.plainJpeg],
    ["JPEG with restart intervals", async () => sampleImages.restartJpeg()],
    ["JPEG with separate scans", async () => sampleImages.separateScansJpeg()],
    ["progressive JPEG", sampleImages.progressiveJpeg],
    ["progressive JPEG with restart intervals", async () => sampleImages.progressiveRestartJpeg()],
  ])("%s, truncated and given an end marker, unless it ends at the end of a scan", async (_what, make) => {
    const bytes = await make();
    const lengths = Array.from({ length: 98 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 100));

    const outcomes = await Promise.all(
      lengths.map((length) =>
        codeOf(maker, Buffer.concat([bytes.subarray(0, length), Buffer.from([0xff, 0xd9])])),
      ),
    );

    const accepted = outcomes.filter((code) => code !== "UNREADABLE_IMAGE");
    expect(accepted.length).toBeLessThanOrEqual(2);
    expect(accepted.every((code) => code === "none")).toBe(true);
  });

  it.each([
    ["interlaced PNG", sampleImages.interlacedPng, sampleImages.pngChunk("IEND", Buffer.alloc(0))],
    ["still GIF", sampleImages.stillGif, Buffer.from([0, 0x3b])],
    ["interlaced GIF", sampleImages.interlacedGif, Buffer.from([0, 0x3b])],
    ["animated GIF", sampleImages.animatedGif, Buffer.from([0, 0x3b])],
  ])("%s, truncated and given an end marker", async (_what, make, end) => {
    const bytes = await make();
    const lengths = Array.from({ length: 99 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 100));

    const outcomes = await Promise.all(
      lengths.map((length) => codeOf(maker, Buffer.concat([bytes.subarray(0, length), end]))),
    );

    expect([...new Set(outcomes)]).toEqual(["UNREADABLE_IMAGE"]);
  });

  it("a GIF whose frame lacks pixels", async () => {
    expect(await codeOf(maker, sampleImages.withoutLastSubBlocks(await sampleImages.stillGif()))).toBe(
      "UNREADABLE_IMAGE",
    );
  });
});

describe("a JPEG of a rarer kind", () => {
  it.each([
    ["with restart intervals", sampleImages.restartJpeg],
    ["with separate scans", sampleImages.separateScansJpeg],
    ["progressive, with restart intervals", sampleImages.progressiveRestartJpeg],
  ])("keeps every byte: %s", async (_what, make) => {
    expect((await maker.make(make(), "somebody")).original.equals(make())).toBe(true);
  });

  it("keeps the colours that an Adobe segment after its frame header defines", async () => {
    const jpeg = await sampleImages.plainJpeg();
    const rgb = Buffer.from("\xff\xee\x00\x0eAdobe\0\0\0\0\0\0\0", "latin1");
    const bytes = before(jpeg, sampleImages.scansOf(jpeg)[0]!, rgb);

    const { original } = await maker.make(bytes, "somebody");

    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
    expect((await pixelsOf(original)).equals(await pixelsOf(jpeg))).toBe(false);
  });

  it("keeps every byte when its Huffman tables are left out, as video cameras do", async () => {
    const whole = await sharp(sampleImages.portraitJpeg()).jpeg({ optimiseCoding: false }).toBuffer();
    const bytes = withoutSegments(whole, 0xc4);

    const { original } = await maker.make(bytes, "somebody");

    expect(original.equals(bytes)).toBe(true);
    expect((await pixelsOf(original)).equals(await pixelsOf(whole))).toBe(true);
  });

  it("is accepted when an encoder left the range of coefficients empty, which is then filled in", async () => {
    const baseline = await sampleImages.plainJpeg();
    const emptyRange = Buffer.from(baseline);
    emptyRange[sampleImages.scansOf(baseline)[0]! + 12] = 0; // The header says 0 to 0; the scan has all 64.

    const { original } = await maker.make(emptyRange, "somebody");

    expect(original.equals(baseline)).toBe(true);
  });

  it("is refused when its scans decode too many pixels, however small the file is", async () => {
    const bytes = sampleImages.manyScansJpeg(2_500, 85);

    await expect(maker.make(bytes, "somebody")).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      details: { limit: 500_000_000, actual: 85 * 2_500 * 2_500 },
    });
  });

  it.each<[string, Buffer[], object]>([
    [
      "each of its four components has a separate scan",
      [1, 2, 3, 4].map((id) => scanOf(id)),
      { limit: 240_000_000 },
    ],
    ["its first component has a separate scan", [scanOf(1), scanOf(2, 3, 4)], { limit: 240_000_000 }],
    [
      "it has a hundred scans",
      Array.from({ length: 100 }, () => scanOf(1, 2, 3, 4)),
      { limit: 500_000_000, actual: 100 * 6_320 * 6_320 },
    ],
  ])("of the baseline kind is refused for the cost of decoding it when %s", async (_what, scans, details) => {
    const frame = Buffer.from([0xff, 0xc0, 0, 20, 8, 0, 0, 0, 0, 4]);
    frame.writeUInt16BE(6_320, 5);
    frame.writeUInt16BE(6_320, 7);
    const components = [1, 2, 3, 4].map((id) => Buffer.of(id, 0x11, 0));
    const bytes = Buffer.concat([
      Buffer.of(0xff, 0xd8),
      frame,
      ...components,
      ...scans,
      Buffer.of(0xff, 0xd9),
    ]);

    await expect(maker.make(bytes, "somebody")).rejects.toMatchObject({ code: "IMAGE_TOO_COMPLEX", details });
  });

  it.each([
    ["restart intervals", Buffer.of(0xff, 0xdd, 0, 4, 0, 0)],
    ["empty tables", Buffer.of(0xff, 0xc4, 0, 2)],
    ["empty comments", Buffer.of(0xff, 0xfe, 0, 2)],
    ["parts of a profile", profileSegment(1, 255, "")],
  ])("is refused when it has thousands of %s", async (_what, segment) => {
    const jpeg = await sampleImages.plainJpeg();
    const [start, rest] = [jpeg.subarray(0, 2), jpeg.subarray(2)];
    const bytes = Buffer.concat([start, ...Array.from({ length: 3_000 }, () => segment), rest]);

    await expect(maker.make(bytes, "somebody")).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      details: { limit: 2_000, actual: 2_001 },
    });
  });

  it("is refused when it has thousands of chunks, as a PNG", async () => {
    const png = await sampleImages.flatPng(9, 9);
    const chunks = Array.from({ length: 6_000 }, () => sampleImages.pngChunk("IDAT", Buffer.alloc(0)));

    await expect(maker.make(before(png, 33, Buffer.concat(chunks)), "somebody")).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      details: { limit: 5_000, actual: 5_001 },
    });
  });

  it("that no browser can show is refused with that reason", async () => {
    await expect(maker.make(sampleImages.arithmeticJpeg(), "somebody")).rejects.toMatchObject({
      code: "UNREADABLE_IMAGE",
      message: "The JPG image is encoded in a way that browsers cannot show.",
    });
  });
});

async function pixelsOf(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes, { pages: -1, failOn: "none" }).raw().toBuffer();
}
