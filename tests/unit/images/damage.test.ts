// Changes random bytes of pictures. The code that repairs and turns them must not fail with anything but a typed error.
// Images are not decoded with sharp.
import sharp from "sharp";
import { describe, expect, it } from "vitest";

import { AppError } from "../../../src/errors.ts";
import { showableGif } from "../../../src/images/gif/showable.ts";
import { rebuildJpeg } from "../../../src/images/jpeg/rebuild.ts";
import { showableJpeg } from "../../../src/images/jpeg/showable.ts";
import { parseUpload } from "../../../src/images/parse.ts";
import { showablePng } from "../../../src/images/png/showable.ts";
import * as sampleImages from "../../support/sample-images.ts";

const RUNS = 1_500;
/** Larger pictures would only take longer. */
const MAX_PIXELS = 1_000_000;

/** A generator of integers below `limit`, the same in each run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

function damage(bytes: Buffer, random: (limit: number) => number): Buffer {
  const damaged = Buffer.from(bytes);
  for (let i = random(4); i >= 0; i--) {
    const at = random(3) === 0 ? random(Math.min(700, damaged.length)) : random(damaged.length);
    damaged[at] = random(3) === 0 ? 0xff : random(256);
  }
  return random(4) === 0 ? damaged.subarray(0, random(damaged.length)) : damaged;
}

async function acceptAndPrepare(bytes: Buffer, orientation: number): Promise<void> {
  const { header, toStripped, toVerified, toRepaired } = await parseUpload(bytes);
  if (header.width * header.height > MAX_PIXELS) return;
  if (header.format === "png") await toRepaired!();
  const verified = (await toVerified()) ?? toStripped();
  if (header.format === "gif") showableGif(verified);
  if (header.format === "png") await showablePng(verified);
  if (header.format === "jpeg") showableJpeg(rebuildJpeg(verified, orientation));
}

const small = () => sharp(sampleImages.portraitJpeg()).resize(64, 48);

describe("a damaged picture is repaired or refused with a typed error", () => {
  it.each([
    ["JPG", () => small().jpeg().toBuffer()],
    ["progressive JPG", () => small().jpeg({ progressive: true }).toBuffer()],
    ["JPG with restart markers", async () => sampleImages.progressiveRestartJpeg()],
    ["JPG with separate scans", async () => sampleImages.separateScansJpeg()],
    ["CMYK JPG", () => small().toColourspace("cmyk").jpeg().toBuffer()],
    ["PNG", () => small().png().toBuffer()],
    ["PNG of 16 bits", () => small().toColourspace("rgb16").png().toBuffer()],
    ["GIF", () => small().gif().toBuffer()],
    ["animated GIF", () => sampleImages.animatedGif(3)],
  ])("%s", async (_name, make) => {
    const bytes = await make();
    const random = randomNumbers(bytes.length);
    const untypedErrors: unknown[] = [];
    for (let run = 0; run < RUNS; run++) {
      const damaged = damage(bytes, random);
      await acceptAndPrepare(damaged, 1 + random(8)).catch((error) => {
        if (!(error instanceof AppError)) untypedErrors.push(error);
      });
    }

    expect(untypedErrors).toEqual([]);
  });
});

describe("limits of repairs", () => {
  it("refuse scans that name a component many times", async () => {
    const jpeg = await small().toColourspace("b-w").jpeg({ progressive: true }).toBuffer();
    const [, scanAt] = sampleImages.scansOf(jpeg);
    const names = Array.from({ length: 255 }, () => [jpeg[scanAt! + 5]!, 0]).flat();
    const header = Buffer.from([0xff, 0xda, 0, 0, 255, ...names, 1, 5, 0]);
    header.writeUInt16BE(header.length - 2, 2);
    const bytes = Buffer.concat([jpeg.subarray(0, scanAt), header, jpeg.subarray(scanAt! + 10)]);

    expect(() => rebuildJpeg(bytes, 1)).toThrowError(/names a component twice/);
  });

  it("refuse a scan header without components", async () => {
    const jpeg = await small().jpeg().toBuffer();
    const bytes = Buffer.concat([
      jpeg.subarray(0, sampleImages.scansOf(jpeg)[0]),
      Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9]),
    ]);

    await expect(parseUpload(bytes)).rejects.toMatchObject({ code: "UNREADABLE_IMAGE" });
  });

  it("read fill bytes before a marker once", async () => {
    const jpeg = await small().jpeg().toBuffer();
    const fill = Buffer.alloc(800_000, 0xff);
    const bytes = Buffer.concat([
      jpeg.subarray(0, sampleImages.scansOf(jpeg)[0]! + 20),
      fill,
      Buffer.of(0xd9),
    ]);
    const startedAt = process.cpuUsage();

    expect(() => rebuildJpeg(bytes, 1)).toThrowError(/ends early/);
    expect(process.cpuUsage(startedAt).user).toBeLessThan(1_000_000);
  });

  it("keep a scan that looks like an Adobe segment but for its first byte", async () => {
    const jpeg = await small().jpeg({ progressive: true }).toBuffer();
    const scans = sampleImages.scansOf(jpeg);
    const lookAlike = Buffer.from([1, 0xee, ...Array.from({ length: 14 }, (_, i) => i)]);
    const at = scans.at(-1)! + 2 + jpeg.readUInt16BE(scans.at(-1)! + 2);
    const bytes = Buffer.concat([jpeg.subarray(0, at), lookAlike, Buffer.from([0xff, 0xd9])]);

    expect((await parseUpload(bytes)).toStripped().includes(lookAlike)).toBe(true);
  });

  it("accept colours that no screen has", async () => {
    const data = Buffer.alloc(32);
    [63_780, 36_220, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000].forEach((value, i) =>
      data.writeUInt32BE(value, 4 * i),
    );
    const chunks = [
      sampleImages.pngChunk("gAMA", Buffer.from([0, 1, 0, 0])),
      sampleImages.pngChunk("cHRM", data),
    ];
    const png = await sampleImages.flatPng(8, 8);
    const bytes = Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

    expect(await sharp((await showablePng(bytes)).bytes).metadata()).toMatchObject({ width: 8, height: 8 });
  });

  it("refuse a GIF of 35 bytes whose screen has 256 megapixels", async () => {
    const gif = sampleImages.frameFloodGif(1);
    gif.writeUInt16LE(16_000, 6);
    gif.writeUInt16LE(16_000, 8);

    await expect(parseUpload(gif)).rejects.toMatchObject({ code: "IMAGE_TOO_COMPLEX" });
  });

  it("refuse to rewrite a JPG whose coefficients take more than 240 MB", async () => {
    const jpeg = await small().jpeg({ chromaSubsampling: "4:4:4" }).toBuffer();
    const sizeAt = jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 5;
    jpeg.writeUInt16BE(6_400, sizeAt);
    jpeg.writeUInt16BE(6_400, sizeAt + 2);

    expect(() => rebuildJpeg(jpeg, 1)).toThrowError(/245,760,000 bytes/);
  });

  it("refuse to turn a JPG of more than 20 megapixels that ends within a block", async () => {
    const wide = sharp({ create: { width: 5_001, height: 4_001, channels: 3, background: "#987" } });
    const jpeg = await wide.jpeg().toBuffer();

    expect(() => rebuildJpeg(jpeg, 3)).toThrowError(/samples that have to be turned/);
  });
});
