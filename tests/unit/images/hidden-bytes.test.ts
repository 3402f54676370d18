// What stands within a file, but not in its picture: it must not be stored. And what is missing in the midst of a
// file that looks whole from outside: it must be noticed.
import { deflateSync, inflateSync } from "node:zlib";

import sharp from "sharp";
import { describe, expect, it } from "vitest";

import { PictureMaker } from "../../../src/images/picture-maker.ts";
import { codeOf } from "../../support/code-of.ts";
import * as sampleImages from "../../support/sample-images.ts";

const maker = new PictureMaker({ maxConcurrent: 2, maxWaiting: 1000 });
const secret = "<?php secret();?>";

async function profileOf(bytes: Buffer): Promise<Buffer> {
  return (await sharp(bytes).metadata()).icc!;
}

function before(jpeg: Buffer, at: number, hidden: string | Buffer): Buffer {
  return Buffer.concat([jpeg.subarray(0, at), Buffer.from(hidden), jpeg.subarray(at)]);
}

function beforeEach(jpeg: Buffer, positions: number[], hidden: Buffer): Buffer {
  return positions.toReversed().reduce((spoilt, at) => before(spoilt, at, hidden), jpeg);
}

/** What comes behind a scan: the tables of the next one, or the end. */
function* markersBehindScans(jpeg: Buffer): Generator<number> {
  for (const scanAt of sampleImages.scansOf(jpeg)) {
    let at = jpeg.indexOf(0xff, scanAt + 2);
    while (jpeg[at + 1] === 0 || jpeg[at + 1]! >> 3 === 0xd0 >> 3) at = jpeg.indexOf(0xff, at + 2);
    yield at;
  }
}

/** @param name its class and number */
function huffmanTable(name: number, symbols: string): Buffer {
  const counts = [0, 0, 0, 0, 0, 0, 0, symbols.length, ...Array.from({ length: 8 }, () => 0)];
  const head = [0xff, 0xc4, 0, 19 + symbols.length, name, ...counts];
  return Buffer.concat([Buffer.from(head), Buffer.from(symbols)]);
}

/** All segments before the scan but those of one kind. */
function withoutSegments(jpeg: Buffer, marker: number): Buffer {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  for (; jpeg[at + 1] !== 0xda; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1] !== marker) kept.push(jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2)));
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
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

describe("hidden bytes go, and the pixels stay:", () => {
  it.each<[string, () => Promise<Buffer>]>([
    [
      "between a JPEG's picture data and its end",
      async () => before(await sampleImages.plainJpeg(), (await sampleImages.plainJpeg()).length - 2, secret),
    ],
    [
      "behind an interval of a JPEG",
      async () => {
        const jpeg = sampleImages.restartJpeg();
        return before(jpeg, jpeg.indexOf(Buffer.from([0xff, 0xd3])), secret);
      },
    ],
    [
      "as a restart interval more than a JPEG has units",
      async () => {
        const jpeg = sampleImages.restartJpeg();
        return before(jpeg, jpeg.length - 2, Buffer.from(`\xff\xd0${secret}`, "latin1"));
      },
    ],
    [
      "behind one of a JPEG's scans",
      async () => {
        const jpeg = sampleImages.separateScansJpeg();
        return before(jpeg, jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), secret);
      },
    ],
    [
      "behind each scan of a progressive JPEG",
      async () => {
        const jpeg = await sampleImages.progressiveJpeg();
        return beforeEach(jpeg, [...markersBehindScans(jpeg)], Buffer.from(secret));
      },
    ],
    [
      "behind an interval of a progressive JPEG",
      async () => {
        const jpeg = sampleImages.progressiveRestartJpeg();
        return before(jpeg, jpeg.lastIndexOf(Buffer.from([0xff, 0xd1])), secret);
      },
    ],
    [
      "behind restart markers in a progressive JPEG that has no intervals",
      async () => {
        const jpeg = await sampleImages.progressiveJpeg();
        const marker = Buffer.from(`\xff\xd0${secret}`, "latin1");
        return beforeEach(jpeg, [...markersBehindScans(jpeg)], marker);
      },
    ],
    [
      "in Huffman tables between scans that do not use them",
      async () => {
        const jpeg = await sampleImages.progressiveJpeg();
        return beforeEach(jpeg, sampleImages.scansOf(jpeg), huffmanTable(0x13, secret));
      },
    ],
    [
      "in quantisation tables between scans, which come too late",
      async () => {
        const jpeg = await sampleImages.progressiveJpeg();
        const table = Buffer.concat([
          Buffer.from([0xff, 0xdb, 0, 67, 0]),
          Buffer.from(secret.repeat(4)).subarray(0, 64),
        ]);
        return beforeEach(jpeg, sampleImages.scansOf(jpeg).slice(5), table);
      },
    ],
    [
      "as a JPEG's colour profile that is none",
      async () => before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, secret.repeat(20))),
    ],
    [
      "as a JPEG's colour profile that has no tags",
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
      "behind a JPEG's colour profile",
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
      "in a JPEG's segment that is shorter than it should be",
      async () =>
        before(await sampleImages.plainJpeg(), 2, Buffer.from(`\xff\xe0\0\x09JFIF\0\x01\x01`, "latin1")),
    ],
    [
      "in quantisation tables that others replace",
      async () => {
        const table = Buffer.concat([
          Buffer.from([0xff, 0xdb, 0, 67, 0]),
          Buffer.from(secret.repeat(4)).subarray(0, 64),
        ]);
        return before(await sampleImages.plainJpeg(), 2, Buffer.concat([table, table, table]));
      },
    ],
    [
      "in Huffman tables behind the last scan",
      async () => {
        const jpeg = await sampleImages.plainJpeg();
        return before(jpeg, jpeg.length - 2, huffmanTable(0x02, secret));
      },
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
      "behind the compressed pixels of a PNG",
      async () =>
        sampleImages.withPixelData(await sampleImages.palettePng(), (pixels) => [
          Buffer.concat([pixels, Buffer.from(secret)]),
        ]),
    ],
    [
      "in a chunk of its own behind the pixels of a PNG",
      async () =>
        sampleImages.withPixelData(await sampleImages.palettePng(), (pixels) => [
          pixels,
          Buffer.from(secret),
        ]),
    ],
    [
      "as a PNG's colour profile that is none",
      async () => {
        const png = await sampleImages.palettePng();
        const data = Buffer.concat([Buffer.from("name\0\0"), deflateSync(Buffer.from(secret.repeat(20)))]);
        return before(png, 33, sampleImages.pngChunk("iCCP", data));
      },
    ],
    [
      "behind the colour profile of a PNG",
      async () => {
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        const data = Buffer.concat([Buffer.from("P3\0\0"), deflateSync(profile), Buffer.from(secret)]);
        return before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", data));
      },
    ],
    [
      "in a comment of a PNG whose check sum is wrong",
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
      "behind the pixels of a GIF",
      async () => sampleImages.withSubBlock(await sampleImages.stillGif(), secret),
    ],
    [
      "behind the pixels of a frame",
      async () => sampleImages.withSubBlock(await sampleImages.animatedGif(), secret),
    ],
    [
      "in extensions of a GIF that say again how often it repeats",
      async () => {
        const gif = await sampleImages.animatedGif();
        const extension = Buffer.from(`\x21\xff\x0bNETSCAPE2.0\x0d<?php 1234567\0`, "latin1");
        return before(gif, gif.length - 1, Buffer.concat([extension, extension]));
      },
    ],
    [
      "in a JPEG's Adobe segments, of which the last counts",
      async () => {
        const jpeg = await sampleImages.plainJpeg();
        const free = Buffer.from("\xff\xee\x00\x0eAdobe<?php 1", "latin1");
        const last = Buffer.from("\xff\xee\x00\x0eAdobe\0\0\0\0\0\0\x01", "latin1");
        return before(jpeg, sampleImages.scansOf(jpeg)[0]!, Buffer.concat([free, free, last]));
      },
    ],
    [
      "in restart intervals of a JPEG that others replace, or that no scan follows",
      async () => {
        const jpeg = await sampleImages.plainJpeg();
        const intervals = Buffer.concat(
          ["<?", "ph", "p "].map((text) => Buffer.from(`\xff\xdd\0\x04${text}`, "latin1")),
        );
        const none = Buffer.from([0xff, 0xdd, 0, 4, 0, 0]);
        return before(before(jpeg, jpeg.length - 2, intervals), 2, Buffer.concat([intervals, none]));
      },
    ],
    [
      "as segments of a JPEG that hold no table",
      async () =>
        before(await sampleImages.plainJpeg(), 2, Buffer.from([0xff, 0xdb, 0, 2, 0xff, 0xc4, 0, 2])),
    ],
    [
      "as a colour profile behind the scan of a JPEG",
      async () => {
        const jpeg = await sampleImages.plainJpeg();
        const profile = await profileOf(await sampleImages.displayP3Jpeg());
        return before(jpeg, jpeg.length - 2, profileSegment(1, 1, profile));
      },
    ],
    [
      "as a GIF's colour profile that is none",
      async () => {
        const gif = await sampleImages.stillGif();
        const extension = Buffer.from(
          `\x21\xff\x0bICCRGBG1012${String.fromCharCode(secret.length)}${secret}\0`,
          "latin1",
        );
        return before(gif, gif.length - 1, extension);
      },
    ],
  ])("%s", async (_where, make) => {
    const bytes = await make();

    const { original, thumbnail } = await maker.make(bytes);

    expect(original.length).toBeLessThan(bytes.length);
    expect([original, thumbnail].some((stored) => stored.includes("php"))).toBe(false);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });

  it("behind the tags of a colour profile: zeros take their place", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const spoilt = Buffer.concat([profile, Buffer.from(secret)]);
    spoilt.writeUInt32BE(spoilt.length);
    const bytes = before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, spoilt));

    const { original } = await maker.make(bytes);

    expect(original.includes("php")).toBe(false);
    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
  });

  it("between fill bytes in the data of a JPEG, which decoders read differently: such a file is refused", async () => {
    const jpeg = await sampleImages.plainJpeg();
    const stuffed = jpeg.indexOf(Buffer.from([0xff, 0x00]), sampleImages.scansOf(jpeg)[0]);

    expect(await codeOf(maker, before(jpeg, stuffed, Buffer.of(0xff)))).toBe("UNREADABLE_IMAGE");
  });

  it("as more rows than a PNG has: such a file is refused", async () => {
    const bytes = sampleImages.withPixelData(await sampleImages.palettePng(), (pixels) => [
      deflateSync(Buffer.concat([inflateSync(pixels), Buffer.from(secret)])),
    ]);

    expect(await codeOf(maker, bytes)).toBe("UNREADABLE_IMAGE");
  });
});

describe("colour profiles", () => {
  it("stay when something hidden behind them goes", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const spoilt = Buffer.concat([profile, Buffer.from(secret)]);
    const jpeg = before(await sampleImages.plainJpeg(), 2, profileSegment(1, 1, spoilt));
    const iccp = Buffer.concat([Buffer.from("P3\0\0"), deflateSync(spoilt)]);
    const png = before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", iccp));

    const stored = await Promise.all([jpeg, png].map((bytes) => maker.make(bytes)));

    for (const { original } of stored) expect((await profileOf(original)).equals(profile)).toBe(true);
  });

  it("stay byte for byte in several parts", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const parts = [profile.subarray(0, 200), profile.subarray(200)];
    const segments = parts.map((part, i) => profileSegment(i + 1, 2, part));
    const bytes = before(await sampleImages.plainJpeg(), 2, Buffer.concat(segments));

    expect((await maker.make(bytes)).original.equals(bytes)).toBe(true);
  });

  it("stay where their parts come in another order", async () => {
    const profile = await profileOf(await sampleImages.displayP3Jpeg());
    const parts = [
      profileSegment(2, 2, profile.subarray(200)),
      profileSegment(1, 2, profile.subarray(0, 200)),
    ];
    const bytes = before(await sampleImages.plainJpeg(), 2, Buffer.concat(parts));

    expect((await profileOf((await maker.make(bytes)).original)).equals(profile)).toBe(true);
  });

  it("that would inflate to hundreds of megabytes go without being inflated", async () => {
    const bomb = Buffer.concat([Buffer.from("bomb\0\0"), deflateSync(Buffer.alloc(500_000_000))]);
    const bytes = before(await sampleImages.flatPng(9, 9), 33, sampleImages.pngChunk("iCCP", bomb));

    expect(bytes.length).toBeLessThan(819_200);
    const { original } = await maker.make(bytes);

    expect(original.includes("iCCP")).toBe(false);
  });
});

describe("a file that is whole but for what is in its midst is refused:", () => {
  it.each([
    ["baseline JPEG", sampleImages.plainJpeg, Buffer.from([0xff, 0xd9])],
    ["JPEG with intervals", async () => sampleImages.restartJpeg(), Buffer.from([0xff, 0xd9])],
    ["JPEG of separate scans", async () => sampleImages.separateScansJpeg(), Buffer.from([0xff, 0xd9])],
    ["progressive JPEG", sampleImages.progressiveJpeg, Buffer.from([0xff, 0xd9])],
    [
      "progressive JPEG with intervals",
      async () => sampleImages.progressiveRestartJpeg(),
      Buffer.from([0xff, 0xd9]),
    ],
    ["interlaced PNG", sampleImages.interlacedPng, sampleImages.pngChunk("IEND", Buffer.alloc(0))],
    ["still GIF", sampleImages.stillGif, Buffer.from([0, 0x3b])],
    ["interlaced GIF", sampleImages.interlacedGif, Buffer.from([0, 0x3b])],
    ["animated GIF", sampleImages.animatedGif, Buffer.from([0, 0x3b])],
  ])("%s, cut off and closed again", async (_what, make, end) => {
    const bytes = await make();
    const lengths = Array.from({ length: 99 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 100));

    const outcomes = await Promise.all(
      lengths.map((length) => codeOf(maker, Buffer.concat([bytes.subarray(0, length), end]))),
    );

    expect([...new Set(outcomes)]).toEqual(["UNREADABLE_IMAGE"]);
  });

  it("a progressive JPEG that lacks its last scans", async () => {
    const jpeg = await sampleImages.progressiveJpeg();
    const wholeScans = sampleImages.scansOf(jpeg).slice(1);

    const outcomes = await Promise.all(
      wholeScans.map((at) => codeOf(maker, Buffer.concat([jpeg.subarray(0, at), jpeg.subarray(-2)]))),
    );

    expect([...new Set(outcomes)]).toEqual(["UNREADABLE_IMAGE"]);
  });

  it.each([
    ["progressive", sampleImages.progressiveJpeg],
    ["baseline", async () => sampleImages.separateScansJpeg()],
  ])("a %s JPEG that has a scan twice", async (_kind, make) => {
    const jpeg = await make();
    const repeated = jpeg.subarray(sampleImages.scansOf(jpeg).at(-1), -2);

    expect(await codeOf(maker, before(jpeg, jpeg.length - 2, repeated))).toBe("UNREADABLE_IMAGE");
  });

  it("a GIF whose frame lacks pixels", async () => {
    expect(await codeOf(maker, sampleImages.withoutLastSubBlocks(await sampleImages.stillGif()))).toBe(
      "UNREADABLE_IMAGE",
    );
  });

  it("a JPEG that lacks the scan of a component", async () => {
    const jpeg = sampleImages.separateScansJpeg();
    const last = jpeg.lastIndexOf(Buffer.from([0xff, 0xda]));

    expect(await codeOf(maker, Buffer.concat([jpeg.subarray(0, last), jpeg.subarray(-2)]))).toBe(
      "UNREADABLE_IMAGE",
    );
  });
});

describe("a JPEG of a rarer kind", () => {
  it.each([
    ["with restart intervals", sampleImages.restartJpeg],
    ["of separate scans", sampleImages.separateScansJpeg],
    ["progressive, with restart intervals", sampleImages.progressiveRestartJpeg],
  ])("keeps every byte: %s", async (_what, make) => {
    expect((await maker.make(make())).original.equals(make())).toBe(true);
  });

  it("keeps the colours that an Adobe segment behind its frame header gives it", async () => {
    const jpeg = await sampleImages.plainJpeg();
    const rgb = Buffer.from("\xff\xee\x00\x0eAdobe\0\0\0\0\0\0\0", "latin1");
    const bytes = before(jpeg, sampleImages.scansOf(jpeg)[0]!, rgb);

    const { original } = await maker.make(bytes);

    expect((await pixelsOf(original)).equals(await pixelsOf(bytes))).toBe(true);
    expect((await pixelsOf(original)).equals(await pixelsOf(jpeg))).toBe(false);
  });

  it("gets the tables that a camera for films has left out", async () => {
    const whole = await sharp(sampleImages.portraitJpeg()).jpeg({ optimiseCoding: false }).toBuffer();
    const bytes = withoutSegments(whole, 0xc4);

    const { original } = await maker.make(bytes);

    expect(original.length).toBeGreaterThan(bytes.length);
    expect((await pixelsOf(original)).equals(await pixelsOf(whole))).toBe(true);
  });

  it("is accepted, and tidied, where an encoder was careless", async () => {
    const baseline = await sampleImages.plainJpeg();
    const progressive = await sampleImages.progressiveJpeg();
    const emptyRange = Buffer.from(baseline);
    emptyRange[sampleImages.scansOf(baseline)[0]! + 12] = 0; // "Coefficients 0 to 0", where it sends all 64.
    const padded = before(progressive, progressive.length - 2, Buffer.alloc(16));
    const filled = before(baseline, baseline.length - 2, Buffer.from([0xff, 0xff, 0xff]));

    const stored = await Promise.all([emptyRange, padded, filled].map((bytes) => maker.make(bytes)));

    expect(stored.map(({ original }) => original.equals(baseline) || original.equals(progressive))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("that no browser shows is refused with that reason", async () => {
    await expect(maker.make(sampleImages.arithmeticJpeg())).rejects.toMatchObject({
      code: "UNREADABLE_IMAGE",
      message: "The JPG image is encoded in a way that browsers cannot show.",
    });
  });
});

async function pixelsOf(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes, { pages: -1, failOn: "none" }).raw().toBuffer();
}
