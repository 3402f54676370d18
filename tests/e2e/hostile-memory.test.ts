// Bounds the memory that one upload takes, including decoder processes, for files that are made to take much.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { resourcesOfAll } from "../support/resources.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { postPicture, signUp, type RestPerson } from "../support/rest-client.ts";

const MAX_GROWTH_MIB = 300;
const SAMPLE_MS = 10;

const flat = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#369" } });

/** A PNG whose chunks inflate to `megabytes` each. */
function textBomb(type: "zTXt" | "iTXt" | "iCCP", megabytes: number, count: number): Buffer {
  const inflated = deflateSync(Buffer.alloc(megabytes * 1e6, "A"), { level: 9 });
  const head = { zTXt: "k\0\0", iTXt: "k\0\x01\0\0\0", iCCP: "k\0\0" }[type];
  const chunk = sampleImages.pngChunk(type, Buffer.concat([Buffer.from(head, "latin1"), inflated]));
  const png = sampleImages.pngHeaderOf(8, 8);
  const [start, end] = [png.subarray(0, 33), Buffer.from("0000000049454e44ae426082", "hex")];
  const pixels = sampleImages.pngChunk("IDAT", deflateSync(Buffer.alloc(8 * 25)));
  return Buffer.concat([start, ...Array.from({ length: count }, () => chunk), pixels, end]);
}

/** A JPEG with a thousand EXIF segments, each of which promises 65,535 entries. */
async function exifFlood(): Promise<Buffer> {
  const jpeg = await sampleImages.plainJpeg();
  const payload = Buffer.concat([
    Buffer.from("Exif\0\0MM\0*\0\0\0\x08\xff\xff", "latin1"),
    Buffer.alloc(600, 1),
  ]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  const segments = Array.from({ length: 1_000 }, () => Buffer.concat([head, payload]));
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

const files: Record<string, () => Buffer | Promise<Buffer>> = {
  "a PNG with 14 texts of 49 MB": () => textBomb("zTXt", 49, 14),
  "a PNG with 14 international texts of 49 MB": () => textBomb("iTXt", 49, 14),
  "a PNG with 80 texts of 7 MB": () => textBomb("zTXt", 7, 80),
  "a PNG with a colour profile of 400 MB": () => textBomb("iCCP", 400, 1),
  "a PNG of 40 megapixels": () => sampleImages.flatPng(8000, 5000),
  "an interlaced PNG of 30 megapixels": () => flat(6000, 5000).png({ progressive: true }).toBuffer(),
  "a JPG of 40 megapixels on its side": () =>
    flat(8000, 4992).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  "a JPG of 19 megapixels on its side that ends within a block": () =>
    flat(5001, 3801).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  "a progressive JPG of 30 megapixels": () => flat(6000, 5000).jpeg({ progressive: true }).toBuffer(),
  "a progressive JPG of 30 megapixels on its side": () =>
    flat(6000, 4992).withMetadata({ orientation: 6 }).jpeg({ progressive: true }).toBuffer(),
  "a progressive JPG of 23 megapixels in full colour on its side": () =>
    flat(4800, 4800)
      .withMetadata({ orientation: 6 })
      .jpeg({ progressive: true, chromaSubsampling: "4:4:4" })
      .toBuffer(),
  "a progressive CMYK JPG of 20 megapixels on its side": () =>
    flat(4480, 4480)
      .toColourspace("cmyk")
      .withMetadata({ orientation: 6 })
      .jpeg({ progressive: true, chromaSubsampling: "4:4:4" })
      .toBuffer(),
  "a JPG with a thousand EXIF segments": exifFlood,
  "a GIF of 40 megapixels": () => flat(8000, 5000).gif({ effort: 1 }).toBuffer(),
  "a GIF of 24 megapixels that restores frames": async () =>
    sampleImages.restoringGif(await flat(6000, 3900).gif({ effort: 1 }).toBuffer()),
  "a GIF of 40 megapixels that restores frames": async () =>
    sampleImages.restoringGif(await flat(8000, 5000).gif({ effort: 1 }).toBuffer()),
  "an interlaced PNG of 16 bits and 20 megapixels": () =>
    flat(4500, 4500)
      .ensureAlpha()
      .toColourspace("rgb16")
      .png({ progressive: true, adaptiveFiltering: true })
      .toBuffer(),
  "a GIF of 1,000 frames": () => sampleImages.frameFloodGif(1_000),
  "a GIF of 35,000 frames": () => sampleImages.frameFloodGif(35_000),
};

describe.skipIf(process.platform !== "linux")("an upload", () => {
  let folder: string;
  let server: ServerProcess;
  let person: RestPerson;
  const growths: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "letsapp-hostile-"));
    server = await ServerProcess.start({ INSTANCE_DIR: folder, UPLOADS_PER_MINUTE: "1000" });
    person = await signUp(server.url, "mallory");
    for (let i = 0; i < 3; i++) await upload(sampleImages.portraitJpeg());
  });
  afterAll(async () => {
    console.log(growths.join("\n"));
    await server.stop();
    await rm(folder, { recursive: true });
  });

  async function upload(bytes: Buffer): Promise<number> {
    const response = await postPicture(server.url, person, bytes);
    await response.arrayBuffer();
    return response.status;
  }

  it.each(Object.entries(files))(`of %s takes less than ${MAX_GROWTH_MIB} MiB`, async (what, make) => {
    const bytes = await make();
    const resident = () => resourcesOfAll(server.child.pid!)!.residentMiB;
    const before = resident();
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, resident())), SAMPLE_MS);

    const status = await upload(bytes);
    clearInterval(sampling);

    growths.push(`${what}: ${Math.round(most - before)} MiB, ${status}`);
    expect([200, 413, 422]).toContain(status);
    expect(most - before).toBeLessThan(MAX_GROWTH_MIB);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
