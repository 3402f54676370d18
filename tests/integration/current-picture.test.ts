// GET /api/users/:userId/profile-picture: sends the current picture, or draws the user's initials.
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import type { UserId } from "../../src/domain/ids.ts";
import { colourOf } from "../../src/domain/initials.ts";
import { AppError } from "../../src/errors.ts";
import { CurrentPictures } from "../../src/services/current-pictures.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, rootDirOf, TestApp, toBlob, type Person } from "../support/test-app.ts";

// The service writes WebP and AVIF but blocks their loaders. The tests read the images that it wrote.
sharp.unblock({ operation: ["VipsForeignLoadWebpBuffer", "VipsForeignLoadHeifBuffer"] });

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
});
afterAll(() => app.stop());

const current = ({ user }: Person, query = "", init: RequestInit = {}) =>
  app.fetch(`/api/users/${user.id}/profile-picture${query}`, { redirect: "manual", ...init });

async function show(person: Person, query = "", init: RequestInit = {}) {
  const response = await current(person, query, init);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { response, bytes, status: response.status, type: response.headers.get("content-type") };
}

/** The view count in GraphQL, which includes views that are not in the database yet. */
async function viewCount({ mediaId, token }: Person & { mediaId: string }): Promise<number> {
  const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);
  return data.media.viewCount;
}

describe("the address of a user with a picture", () => {
  it("shows it in the requested size and format, and follows each change at once", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const first = await show(person, "?size=96&format=webp");
    await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
    const second = await show(person);
    await app.graphql(DELETE, {}, person.token);
    const third = await show(person);

    expect([first.status, second.status, third.status]).toEqual([200, 200, 200]);
    expect([first.type, second.type, third.type]).toEqual(["image/webp", "image/png", "image/svg+xml"]);
    const { width, height } = await sharp(first.bytes).metadata();
    expect([width, height]).toEqual([96, 96]);
  });

  it("has the headers of a picture, but may be cached for a minute only", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { headers } = await current(person, "?size=64");

    expect(Object.fromEntries(headers)).toMatchObject({
      "accept-ranges": "bytes",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "etag, content-disposition",
      "cache-control": "public, max-age=60",
      "content-disposition": 'inline; filename="64_picture.jpg"',
      "content-security-policy": "default-src 'none'; sandbox",
      "content-type": "image/jpeg",
      "cross-origin-resource-policy": "cross-origin",
      etag: `"${person.mediaId}-64-v2.jpeg"`,
      vary: "accept",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.stringMatching(/./),
    });
    expect(headers.get("last-modified")).toBeNull(); // An older picture may be restored.
  });

  it.each([
    ["?size=64", { accept: "image/avif,image/webp,*/*" }, "image/avif", "accept"],
    ["?size=64&format=svg", { accept: "image/webp,*/*" }, "image/webp", "accept"],
    ["?size=64", {}, "image/jpeg", "accept"],
    ["?size=64&format=png", { accept: "image/webp" }, "image/png", null],
  ])("is sent in the format that %s and %j select", async (query, headers, type, vary) => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const response = await current(person, query, { headers });

    expect([response.headers.get("content-type"), response.headers.get("vary")]).toEqual([type, vary]);
  });

  it.each([
    [{ MEDIA_MAX_AGE_SECONDS: "0" }, "public, no-cache"],
    [{ MEDIA_MAX_AGE_SECONDS: "20" }, "public, max-age=20"],
    [{ MEDIA_MAX_AGE_SECONDS: "31536000", MEDIA_IMMUTABLE: "true" }, "public, max-age=60"],
    [{ MEDIA_STALE_SECONDS: "600" }, "public, max-age=60"],
  ])("is cached no longer than pictures are, and never immutable or stale: %j", async (env, expected) => {
    const other = await TestApp.start(env);
    const { user } = await other.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { headers } = await other.fetch(`/api/users/${user.id}/profile-picture`);
    await other.stop();

    expect(headers.get("cache-control")).toBe(expected);
  });

  it("answers HEAD and ranges", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { bytes, response } = await show(person);
    const etag = response.headers.get("etag")!;
    const head = await show(person, "", { method: "HEAD" });
    const part = await show(person, "", { headers: { range: "bytes=10-19", "if-range": etag } });
    const outdated = await show(person, "", { headers: { range: "bytes=10-19", "if-range": '"other"' } });
    const outside = await show(person, "", { headers: { range: `bytes=${bytes.length}-` } });

    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(head.response.headers.get("content-length")).toBe(String(bytes.length));
    expect([part.status, part.bytes]).toEqual([206, bytes.subarray(10, 20)]);
    expect([outdated.status, outside.status]).toEqual([200, 416]);
  });

  it("counts each picture that it sends from the first byte as one view, before it sends it", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const etag = (await current(person, "", { method: "HEAD" })).headers.get("etag")!;
    await show(person, "", { headers: { "if-none-match": etag } });
    await show(person, "", { headers: { range: "bytes=10-" } });
    await show(person, "", { headers: { "if-match": '"other"' } });
    const before = await viewCount(person);
    const counts: number[] = [];
    for (const headers of [{}, { range: "bytes=0-9" }, {}] as Record<string, string>[]) {
      await current(person, "", { headers });
      counts.push(await viewCount(person));
    }

    expect(before).toBe(0);
    expect(counts).toEqual([1, 2, 3]);
  });

  it("is answered with 304 until it changes, also if an older picture is restored", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const first = await current(person);
    const conditions = (response: Response) => ({ "if-none-match": response.headers.get("etag")! });
    const unchanged = await show(person, "", { headers: conditions(first) });
    await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
    const second = await current(person, "", { headers: conditions(first) });
    await app.graphql(
      `mutation { restoreProfilePicture(mediaId: "${person.mediaId}") { success } }`,
      {},
      person.token,
    );
    const inFuture = { "if-modified-since": new Date(Date.now() + 60_000).toUTCString() };
    const restored = await current(person, "", { headers: conditions(second) });
    const byDate = await current(person, "", { headers: inFuture });

    expect([unchanged.status, unchanged.bytes.length]).toEqual([304, 0]);
    expect(Object.fromEntries(unchanged.response.headers)).toMatchObject({
      "cache-control": "public, max-age=60",
      vary: "accept",
    });
    expect([second.status, restored.status, byDate.status]).toEqual([200, 200, 200]);
    expect(restored.headers.get("etag")).toBe(first.headers.get("etag"));
  });

  it("has another ETag when the same file is uploaded with another crop", async () => {
    const person = await app.givenPerson();
    const upload = (y: number) => {
      const form = new FormData();
      form.set("file", toBlob({ bytes: sampleImages.portraitJpeg() }), "picture.jpg");
      form.set("crop", JSON.stringify({ x: 0, y, width: 0.5, height: 0.5 }));
      return app.postFormByRest(form, person);
    };
    await upload(0);
    const first = await show(person);
    await upload(0.5);
    const headers = { "if-none-match": first.response.headers.get("etag")! };
    const second = await show(person, "", { headers });

    expect(second.status).toBe(200);
    expect(second.bytes.equals(first.bytes)).toBe(false);
  });

  it("is named in the metrics by its route", async () => {
    await current(await app.givenPersonWithPicture(sampleImages.portraitJpeg()));
    const metrics = await (await app.fetch("/metrics")).text();

    expect(metrics).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/api\/users\/:userId\/profile-picture",status="200"\}/,
    );
  });
});

describe("a picture that cannot be shown", () => {
  afterEach(() => vi.restoreAllMocks());

  /** Runs a change when the bytes of a square are read for the first time from now on. */
  function duringNextRead(change: () => Promise<unknown>): void {
    const { renditions } = app.app;
    const read = renditions.read.bind(renditions);
    vi.spyOn(renditions, "read").mockImplementationOnce(async (...of) => {
      const bytes = await read(...of);
      await change();
      return bytes;
    });
  }

  it("gives way to the new one if it is replaced while its bytes are read", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    let nextId = "";
    duringNextRead(async () => {
      const { data } = await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
      nextId = data.uploadProfilePicture.media.id;
    });
    const { status, response } = await show(person, "?size=48");

    expect([status, response.headers.get("etag")]).toEqual([200, `"${nextId}-48-v2.png"`]);
    expect(await viewCount({ ...person, mediaId: nextId })).toBe(1);
  });

  it("gives way to the initials if it is deleted while its bytes are read", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    duringNextRead(() => app.graphql(DELETE, {}, person.token));

    const { status, type } = await show(person, "?size=48");

    expect([status, type]).toEqual([200, "image/svg+xml"]);
  });

  it("gives way to the new one in a process that has not noticed the change", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { database, media, pictureMaker } = app.app;
    const other = new CurrentPictures(database.users, media, pictureMaker);
    const square = {
      kind: "square",
      sidePx: 48,
      format: "webp",
      isAnimated: false,
      isNegotiated: false,
      isCurrent: true,
    } as const;
    const before = await other.find(person.user.id, square);
    const { data } = await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
    const after = await other.find(person.user.id, square);

    expect(before.picture!.media.id).toBe(person.mediaId);
    expect(after.picture!.media.id).toBe(data.uploadProfilePicture.media.id);
  });

  it("is followed by the next one without an error or initials in between", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const pictures = [await sampleImages.palettePng(), sampleImages.portraitJpeg()];
    const seen = new Set<string>();
    const over = new AbortController();
    const watch = async () => {
      while (!over.signal.aborted) {
        const { status, type } = await show(person, "?size=32");
        seen.add(`${status} ${type}`);
      }
    };
    const watching = [watch(), watch(), watch()];
    for (const bytes of [...pictures, ...pictures, ...pictures]) {
      await app.upload({ bytes }, person.token);
      await show(person, "?size=32");
    }
    over.abort();
    await Promise.all(watching);

    expect([...seen].toSorted()).toEqual(["200 image/jpeg", "200 image/png"]);
  });

  it.each([
    ["is missing", rm],
    ["is damaged", damage],
  ])("gives way to the initials if its object %s", async (_what, harm: (file: string) => Promise<void>) => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { objectKey } = (await app.app.database.media.findById(person.mediaId))!;
    await harm(path.join(rootDirOf(app.config.storage), objectKey));
    const { status, type } = await show(person, "?size=600");

    expect([status, type]).toEqual([200, "image/svg+xml"]);
    expect(await viewCount(person)).toBe(0);
  });

  it("because the storage fails for a moment gets an error that caches must not store", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const failure = new AppError("STORAGE_UNAVAILABLE", "no storage");
    vi.spyOn(app.app.renditions, "read").mockRejectedValueOnce(failure);
    const { status, response } = await show(person, "?size=48");

    expect([status, response.headers.get("cache-control")]).toEqual([503, "no-store"]);
    expect((await show(person, "?size=48")).status).toBe(200);
  });
});

describe("the address of a user without a picture", () => {
  let figure: Person;
  beforeAll(async () => {
    figure = await app.givenPerson("---");
  });

  it("shows the initials as an SVG that can neither run scripts nor load anything", async () => {
    const person = await app.givenPerson("<b>Ada & Lovelace</b>");
    const response = await current(person);
    const svg = await response.text();

    expect(response.headers.get("content-type")).toBe("image/svg+xml");
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    );
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(svg).toMatch(/^<svg [^>]*width="150" height="150"/);
    expect(svg).toContain(">BB</text>");
    expect(svg).not.toContain("<b>");
  });

  it("shows the initials and the colour that GraphQL returns", async () => {
    const person = await app.givenPerson("Émile Zola");
    const { data } = await app.graphql("{ me { initials color } }", {}, person.token);
    const svg = await (await current(person, "?format=svg")).text();

    expect(data.me.initials).toBe("ÉZ");
    expect(svg).toContain(`fill="${data.me.color}"`);
    expect(svg).toContain(`>${data.me.initials}</text>`);
  });

  it.each([
    ["Ada Lovelace", true],
    ["Жанна", true],
    ["محمد علي", true],
    ["王小明", false],
    ["👩‍👩‍👧", false],
  ])("shows a PNG on request: %s (letters instead of a figure: %s)", async (name, isByLetters) => {
    const person = await app.givenPerson(name);
    const png = await pixelsOf(await current(person, "?size=96&format=png"));
    const figurePixels = await pixelsOf(await current(figure, "?size=96&format=png"));

    expect(png.info).toMatchObject({ width: 96, height: 96 });
    expect(isWhite(png.data).equals(isWhite(figurePixels.data))).toBe(!isByLetters);
  });

  it.each(["png", "jpeg", "webp", "avif"])("shows an image in the requested format: %s", async (format) => {
    const { user } = await app.givenPerson(`Ada ${format}`);
    const response = await app.fetch(`/api/users/${user.id}/profile-picture?size=300&format=${format}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const made = await sharp(bytes).metadata();
    const { data: corner } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });

    expect(response.headers.get("content-type")).toBe(`image/${format}`);
    expect([made.width, made.height, made.format]).toEqual([300, 300, format === "avif" ? "heif" : format]);
    expect(bytes.length).toBeLessThan(12_000);
    const colour = colourOf(user.id as UserId).match(/[0-9a-f]{2}/g)!;
    for (const [i, part] of colour.entries())
      expect(Math.abs(corner[i]! - Number.parseInt(part, 16))).toBeLessThan(12);
  });

  it("sends the same bytes each time, and 304 to a client that has them", async () => {
    const person = await app.givenPerson();
    const first = await current(person, "?size=48");
    const etag = first.headers.get("etag")!;
    const again = await current(person, "?size=48", { headers: { "if-none-match": etag } });
    const head = await current(person, "?size=48", { method: "HEAD" });

    expect(again.status).toBe(304);
    expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(await first.text())));
  });
});

describe("an invalid address", () => {
  it.each([
    [() => "a".repeat(24), "", 404, "USER_NOT_FOUND"],
    [() => "nobody", "", 400, "BAD_USER_INPUT"],
    [(id: string) => id, "?size=97", 400, "BAD_USER_INPUT"],
    [(id: string) => id, "?format=gif", 400, "BAD_USER_INPUT"],
  ])("gets an error that caches must not store: %s %s", async (id, query, status, code) => {
    const { user } = await app.givenPerson();
    const response = await app.fetch(`/api/users/${id(user.id)}/profile-picture${query}`);

    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });
});

/** Overwrites the image data of a file, whose length stays the same. */
async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0, 20));
}

async function pixelsOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("image/png");
  const image = sharp(Buffer.from(await response.arrayBuffer())).removeAlpha();
  return image.raw().toBuffer({ resolveWithObject: true });
}

/** Returns 1 for each RGB pixel of the white drawing, 0 for the background, whose colour differs between users. */
function isWhite(pixels: Buffer): Buffer {
  return Buffer.from(Array.from({ length: pixels.length / 3 }, (_, at) => Number(pixels[at * 3]! > 200)));
}
