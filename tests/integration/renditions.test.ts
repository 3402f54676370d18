// Squares in every size and format: what they show, that each is drawn once, and that none outlives its picture.
import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { MediaId } from "../../src/domain/ids.ts";
import { erasePictures } from "../../src/operations/erasure.ts";
import { RenditionFolder } from "../../src/storage/rendition-folder.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
let person: Person & { mediaId: string };
beforeEach(async () => {
  app = await TestApp.start();
  person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.stop();
});

// The service blocks every loader except JPEG, PNG and GIF. The tests read the WebP and AVIF images that it writes.
sharp.unblock({ operation: ["VipsForeignLoadWebpBuffer", "VipsForeignLoadHeifBuffer"] });

const CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

async function fetchPicture(query: string, headers: Record<string, string> = {}, id = person.mediaId) {
  const response = await app.picture(id, query, headers);
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function keptFiles(): Promise<string[]> {
  const found = await readdir(app.config.media.renditionDir, { recursive: true }).catch(() => []);
  return found.filter((name) => name.includes(".")).map((name) => path.basename(name));
}

describe("a square", () => {
  it.each([32, 48, 64, 96, 150, 300])("has the requested size: %i", async (size) => {
    const { bytes, response } = await fetchPicture(`?size=${size}&format=webp`);

    expect(response.headers.get("content-type")).toBe("image/webp");
    expect(await sharp(bytes).metadata()).toMatchObject({ width: size, height: size, format: "webp" });
  });

  it("is no larger than the short side of the picture", async () => {
    const { bytes } = await fetchPicture("?size=600&format=png");

    expect(await sharp(bytes).metadata()).toMatchObject({ width: 512, height: 512 });
  });

  it.each([
    ["webp", "image/webp", "webp"],
    ["avif", "image/avif", "heif"],
    ["jpeg", "image/jpeg", "jpeg"],
    ["png", "image/png", "png"],
  ])("has the requested format: %s", async (format, contentType, found) => {
    const { bytes, response } = await fetchPicture(`?size=64&format=${format}`, { accept: CHROME });

    expect(response.headers.get("content-type")).toBe(contentType);
    expect(response.headers.get("vary")).toBeNull();
    expect((await sharp(bytes).metadata()).format).toBe(found);
  });

  it.each([
    [CHROME, "image/avif"],
    ["image/webp,*/*", "image/webp"],
    ["image/avif;q=0, image/webp;q=0.5", "image/webp"],
    ["image/webp, image/webp;q=0", "image/jpeg"],
    ["IMAGE/WEBP", "image/webp"],
    ["*/*", "image/jpeg"],
    ["text/html", "image/jpeg"],
  ])("has a format that the client accepts: %j", async (accept, contentType) => {
    for (let time = 0; time < 2; time++) {
      const { response } = await fetchPicture("?size=48", { accept });
      expect(response.headers.get("content-type")).toBe(contentType);
      expect(response.headers.get("vary")).toBe("accept");
    }
  });

  it("keeps its transparency, except as a JPEG", async () => {
    const { mediaId } = await app.givenPersonWithPicture(await sampleImages.transparentPng());
    const { bytes: webp } = await fetchPicture("?size=32&format=webp", {}, mediaId);
    const { bytes: jpeg } = await fetchPicture("?size=32&format=jpeg", {}, mediaId);
    const { response } = await fetchPicture("?size=32", {}, mediaId);

    expect((await sharp(webp).stats()).isOpaque).toBe(false);
    expect((await sharp(jpeg).metadata()).hasAlpha).toBe(false);
    expect(response.headers.get("content-type")).toBe("image/png");
  });

  it("of an animation is a still image unless the client asks for animated=true", async () => {
    const { mediaId } = await app.givenPersonWithPicture(await sampleImages.animatedGif());
    const { bytes: still } = await fetchPicture("?size=64&format=webp", {}, mediaId);
    const { bytes: moving, response } = await fetchPicture("?size=64&animated=true", {}, mediaId);
    const { bytes: portrait } = await fetchPicture("?size=64&animated=true");

    expect((await sharp(still).metadata()).pages ?? 1).toBe(1);
    expect(await sharp(moving, { animated: true }).metadata()).toMatchObject({
      format: "webp",
      width: 64,
      pageHeight: 64,
    });
    expect((await sharp(moving).metadata()).pages).toBeGreaterThan(1);
    expect(response.headers.get("content-type")).toBe("image/webp");
    expect((await sharp(portrait).metadata()).pages ?? 1).toBe(1);
  });

  it("has no metadata", async () => {
    const { mediaId } = await app.givenPersonWithPicture(await sampleImages.displayP3Jpeg());
    const { bytes } = await fetchPicture("?size=150&format=jpeg", {}, mediaId);

    expect(await sharp(bytes).metadata()).not.toHaveProperty("exif");
  });

  it("is drawn once for concurrent requests, and found on the disk by the next process", async () => {
    const read = vi.spyOn(app.app.renditions, "read");
    const all = await Promise.all(Array.from({ length: 20 }, () => fetchPicture("?size=96&format=webp")));
    const files = await keptFiles();
    app.app.objectCache.forget(`${person.mediaId}/96-v2.webp`);
    const draw = vi.spyOn(app.app.storage, "read");
    const { bytes: again } = await fetchPicture("?size=96&format=webp");

    expect(new Set(all.map(({ bytes }) => bytes.toString("base64"))).size).toBe(1);
    expect(read).toHaveBeenCalledTimes(2);
    expect(files.toSorted()).toEqual(["96-v2.webp"]);
    expect(again.equals(all[0]!.bytes)).toBe(true);
    expect(draw).not.toHaveBeenCalled();
  });

  it("counts as a view, and is not drawn for an answer 304", async () => {
    const { response } = await fetchPicture("?size=96&format=webp");
    await rm(app.config.media.renditionDir, { recursive: true });
    app.app.objectCache.forget(`${person.mediaId}/96-v2.webp`);
    const etag = response.headers.get("etag")!;
    const { response: unchanged } = await fetchPicture("?size=96&format=webp", { "if-none-match": etag });
    const { data } = await app.graphql(`{ media(id: "${person.mediaId}") { viewCount } }`, {}, person.token);

    expect(unchanged.status).toBe(304);
    expect(await keptFiles()).toEqual([]);
    expect(data.media.viewCount).toBe(1);
  });

  it("answers HEAD and ranges like any other picture", async () => {
    const { bytes } = await fetchPicture("?size=96&format=png");
    const head = await app.picture(person.mediaId, "?size=96&format=png", {}, "HEAD");
    const part = await fetchPicture("?size=96&format=png", { range: "bytes=10-19" });

    expect(head.headers.get("content-length")).toBe(String(bytes.length));
    expect(part.bytes.equals(bytes.subarray(10, 20))).toBe(true);
  });
});

describe("an address with invalid parameters", () => {
  it.each([
    ["?size=100", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=96px", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=-32", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=0x20", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=32&size=48", ["32", "48", "64", "96", "150", "300", "600"]],
    ["?size=32&format=gif", ["webp", "avif", "jpeg", "png"]],
    ["?size=32&format=svg", ["webp", "avif", "jpeg", "png"]],
    ["?size=32&animated=yes", ["true", "false"]],
    ["?size=32&animated=true&format=png", ["webp"]],
    ["?format=webp", undefined],
    ["?animated=true", undefined],
    ["?thumbnail=true&format=webp", undefined],
    ["?thumbnail=true&size=32", undefined],
  ])("gets 400, with the allowed values if there are any: %s", async (query, allowed) => {
    const response = await app.picture(person.mediaId, query);
    const body = (await response.json()) as { code: string; allowed?: string[] };

    expect([response.status, body.code, body.allowed]).toEqual([400, "BAD_USER_INPUT", allowed]);
    expect(await keptFiles()).toEqual([]);
  });
});

describe("the squares of a picture on the disk", () => {
  it("are removed when the picture is deleted", async () => {
    await fetchPicture("?size=96&format=webp");
    await app.graphql(DELETE, {}, person.token);

    await expect.poll(keptFiles).toEqual([]);
    expect((await fetchPicture("?size=96&format=webp")).response.status).toBe(404);
  });

  it("are removed when another process deletes the picture, or did so before this process started", async () => {
    await fetchPicture("?size=96&format=webp");
    await app.mediaCollection.updateOne({}, { $set: { is_deleted: true, deleted_at: new Date() } });
    await expect.poll(keptFiles, { timeout: 3000 }).toEqual([]);

    await app.mediaCollection.updateOne({}, { $set: { is_deleted: false }, $unset: { deleted_at: 1 } });
    await fetchPicture("?size=96&format=webp");
    await app.mediaCollection.updateOne({}, { $set: { is_deleted: true } });
    await app.app.renditions.start();
    expect(await keptFiles()).toEqual([]);
  });

  it("are removed when all pictures of the user are erased", async () => {
    await fetchPicture("?size=96&format=webp");
    const folder = new RenditionFolder(app.config.media.renditionDir, 1e6);

    await erasePictures(person.user.id, app.app.database, app.app.lifecycle, app.app.storage, folder);

    expect(await keptFiles()).toEqual([]);
  });

  it("can be deleted at any time, and are drawn again", async () => {
    const { bytes } = await fetchPicture("?size=96&format=webp");
    await rm(app.config.media.renditionDir, { recursive: true });
    app.app.objectCache.forget(`${person.mediaId}/96-v2.webp`);

    expect((await fetchPicture("?size=96&format=webp")).bytes.equals(bytes)).toBe(true);
  });

  it("can be removed while they are written, and neither operation fails", async () => {
    const folder = new RenditionFolder(path.join(app.folder, "raced"), 1e9);
    const id = "a".repeat(24);
    for (let round = 0; round < 50; round++) {
      const writes = Array.from({ length: 8 }, (_, i) =>
        folder.write(id, `${i}-v2.png`, Buffer.alloc(5_000)),
      );
      const removals = Array.from({ length: 3 }, async (_, i) => {
        await Promise.all(writes.slice(0, i));
        await folder.remove(id);
      });
      await Promise.all([...writes, ...removals]);
    }
    await folder.write(id, "last.png", Buffer.alloc(1));

    expect((await readdir(path.join(folder.rootDir, id))).filter((name) => name.startsWith("."))).toEqual([]);
    expect(await folder.read(id, "last.png")).toEqual(Buffer.alloc(1));
  });

  it("have a size limit: those of the least recently requested picture are removed first", async () => {
    const folder = new RenditionFolder(path.join(app.folder, "bounded"), 20_000);
    const ids = ["a", "b", "c"].map((letter) => letter.repeat(24));
    for (const id of ids.slice(0, 2)) await folder.write(id, "32-v2.png", Buffer.alloc(400));
    await folder.read(ids[0]!, "32-v2.png");

    await folder.write(ids[2]!, "32-v2.png", Buffer.alloc(400));

    await expect.poll(async () => (await readdir(folder.rootDir)).toSorted()).toEqual([ids[0], ids[2]]);
    const next = new RenditionFolder(folder.rootDir, 20_000);
    await next.open();
    expect(next.ids().toSorted()).toEqual([ids[0], ids[2]]);
    expect(next.state.weight).toBe(4 * 4096); // A block for each of two files and two folders.
  });

  it("are sent even if they cannot be written", async () => {
    await writeFile(path.join(app.folder, "cache"), "a file where the folder should be");

    const { response } = await fetchPicture("?size=96&format=webp");

    expect(response.status).toBe(200);
  });
});

describe("a square of a missing or damaged original", () => {
  it("gets 404 or 422, and is not kept", async () => {
    const { filename, file_size: sizeBytes } = (await app.mediaCollection.findOne({}))!;
    await app.app.storage.put(filename, Buffer.alloc(sizeBytes, "no image"));
    const damaged = await fetchPicture("?size=96&format=webp");
    await app.app.storage.delete(filename);
    const missing = await fetchPicture("?size=48&format=webp");

    expect([damaged.response.status, missing.response.status]).toEqual([422, 404]);
    expect(await keptFiles()).toEqual([]);
  });
});

describe("a square that cannot be drawn or sent", () => {
  it("is attempted once, and not again for a while", async () => {
    const { filename, file_size: sizeBytes } = (await app.mediaCollection.findOne({}))!;
    await app.app.storage.put(filename, Buffer.alloc(sizeBytes, "no image"));
    await fetchPicture(""); // The record is cached now.
    const make = vi.spyOn(app.app.pictureMaker, "run");
    const read = vi.spyOn(app.app.renditions, "read");
    const statuses = [];
    for (let time = 0; time < 3; time++)
      statuses.push((await fetchPicture("?size=96&format=webp")).response.status);

    expect(statuses).toEqual([422, 422, 422]);
    expect(read).toHaveBeenCalledTimes(3);
    expect(make.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it("gets 404 when its picture is deleted while it is drawn", async () => {
    await fetchPicture("");
    const read = app.app.renditions.read.bind(app.app.renditions);
    vi.spyOn(app.app.renditions, "read").mockImplementationOnce(async (...asked) => {
      const bytes = await read(...asked);
      await app.graphql(DELETE, {}, person.token);
      return bytes;
    });

    expect((await fetchPicture("?size=96&format=webp")).response.status).toBe(404);
    await expect.poll(keptFiles).toEqual([]);
  });

  it("leaves nothing in memory when its picture is deleted while the original is read", async () => {
    const { storage } = app.app.renditions;
    const read = storage.read.bind(storage);
    vi.spyOn(storage, "read").mockImplementationOnce(async (...asked) => {
      const bytes = await read(...asked);
      await app.graphql(DELETE, {}, person.token);
      return bytes;
    });

    expect((await fetchPicture("?size=96&format=webp")).response.status).toBe(404);
    expect(app.app.renditions.memoryBytes).toBe(0);
  });

  it("is replaced by a still image when its animation is too large", async () => {
    const frames = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        sharp({ create: { width: 900, height: 900, channels: 3, background: `rgb(${at * 8},0,0)` } })
          .png()
          .toBuffer(),
      ),
    );
    const gif = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const { mediaId } = await app.givenPersonWithPicture(gif);
    const { bytes, response } = await fetchPicture("?size=96&animated=true", {}, mediaId);

    expect(response.status).toBe(200);
    expect((await sharp(bytes).metadata()).pages ?? 1).toBe(1);
  });
});

describe("a square of a picture that LetsApp has stored with an EXIF orientation", () => {
  it("is upright", async () => {
    const halves = await sharp({ create: { width: 200, height: 100, channels: 3, background: "#ff0000" } })
      .composite([
        {
          input: { create: { width: 100, height: 100, channels: 3, background: "#0000ff" } },
          left: 100,
          top: 0,
        },
      ])
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { filename } = (await app.mediaCollection.findOne({}))!;
    await app.mediaCollection.updateOne({}, { $unset: { etag: "" } });
    app.app.mediaCache.forget(person.mediaId as MediaId);
    await app.app.storage.put(filename, halves);
    const { bytes } = await fetchPicture("?size=96&format=png");
    const pixels = await sharp(bytes).raw().toBuffer();
    const [top, bottom] = [pixels.subarray(0, 3), pixels.subarray(-3)];

    expect([top[0]! > 200, top[2]! < 50, bottom[0]! < 50, bottom[2]! > 200]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});

describe("a picture with a damaged record", () => {
  it("is sent, and each view is counted once", async () => {
    await app.mediaCollection.updateOne(
      {},
      { $set: { etag: "a\r\nx-evil: 1", crop: { x: "left" }, filter: "NONE" } },
    );
    app.app.mediaCache.forget(person.mediaId);
    const statuses = [];
    for (const query of ["", "?thumbnail=true", "?size=32"])
      statuses.push((await fetchPicture(query)).response.status);
    const { data } = await app.graphql(`{ media(id: "${person.mediaId}") { viewCount } }`, {}, person.token);

    expect(statuses).toEqual([200, 200, 200]);
    expect(data.media.viewCount).toBe(3);
  });
});
