// GET and HEAD of a picture's bytes: headers, conditions, ranges and counted views.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp } from "../support/test-app.ts";

let app: TestApp;
let mediaId: string;
let token: string;
let size: number;
let etag: string;
let lastModified: string;

beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

async function givenPicture(filename = "My Photo.JPG"): Promise<void> {
  const person = await app.givenPerson();
  const { data } = await app.upload({ bytes: sampleImages.portraitJpeg(), filename }, person.token);
  const { media } = data.uploadProfilePicture;
  [mediaId, token, size] = [media.id, person.token, media.fileSize];
  const head = await app.picture(mediaId, "", {}, "HEAD");
  [etag, lastModified] = [head.headers.get("etag")!, head.headers.get("last-modified")!];
}
beforeAll(() => givenPicture());

/** The view count in GraphQL, which includes views that are not in the database yet. */
async function viewCount(): Promise<number> {
  const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);
  return data.media.viewCount;
}

/** Number of views that a request adds. */
async function countedBy(request: () => Promise<Response>): Promise<number> {
  const before = await viewCount();
  await (await request()).arrayBuffer();
  return (await viewCount()) - before;
}

describe("GET of a picture", () => {
  it("has security and caching headers, and neither cookies nor Vary", async () => {
    const response = await app.picture(mediaId, "", { origin: "https://chat.example" });
    await response.arrayBuffer();

    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "accept-ranges": "bytes",
      "access-control-allow-origin": "*",
      "cache-control": "public, max-age=3600",
      "content-disposition": 'inline; filename="My Photo.jpg"',
      "content-length": String(size),
      "content-security-policy": "default-src 'none'; sandbox",
      "content-type": "image/jpeg",
      "cross-origin-resource-policy": "cross-origin",
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
      "last-modified": expect.stringMatching(/ GMT$/),
      "x-content-type-options": "nosniff",
    });
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("vary")).toBeNull();
  });

  it("never reveals the object key", async () => {
    const record = await app.mediaCollection.findOne({}, { sort: { _id: -1 } });

    const response = await app.picture(mediaId);

    expect(JSON.stringify([...response.headers])).not.toContain(record!.filename.slice(0, 32));
  });

  it.each([
    ["plain.html", 'inline; filename="plain.jpg"'],
    ['quo"te\\.jpg', `inline; filename="picture.jpg"`],
    ["naïve ☃.png", `inline; filename="na_ve _.jpg"; filename*=UTF-8''na%C3%AFve%20%E2%98%83.jpg`],
    ["it's (1)*.gif", `inline; filename="it's (1)*.jpg"`],
    ["zero\u200ejoined.jpg", 'inline; filename="zerojoined.jpg"'],
  ])("sends the file name %j as RFC 6266 specifies", async (filename, expected) => {
    const person = await app.givenPerson();
    const { data } = await app.upload({ bytes: sampleImages.portraitJpeg(), filename }, person.token);

    const response = await app.picture(data.uploadProfilePicture.media.id);

    expect(response.headers.get("content-disposition")).toBe(expected);
  });

  it("with thumbnail=true has another ETag and fewer bytes", async () => {
    const response = await app.picture(mediaId, "?thumbnail=true");

    expect(response.status).toBe(200);
    expect(response.headers.get("etag")).not.toBe(etag);
    expect((await response.arrayBuffer()).byteLength).toBeLessThan(size);
  });

  it.each(["?thumbnail=yes", "?thumbnail=", "?thumbnail=true&thumbnail=false", "?thumbnail=TRUE"])(
    "refuses the parameter %s",
    async (query) => {
      const response = await app.picture(mediaId, query);

      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "BAD_USER_INPUT", allowed: ["true", "false"] });
    },
  );

  it("ignores an invalid token", async () => {
    expect((await app.picture(mediaId, "", { authorization: "Bearer nonsense" })).status).toBe(200);
  });
});

describe("a conditional request", () => {
  it.each([
    ["the same tag", () => ({ "if-none-match": etag }), 304],
    ["the same tag, weak", () => ({ "if-none-match": `W/${etag}` }), 304],
    ["the same tag among others", () => ({ "if-none-match": `"other", ${etag}` }), 304],
    ["any tag", () => ({ "if-none-match": "*" }), 304],
    ["another tag", () => ({ "if-none-match": '"other"' }), 200],
    ["an unquoted tag", () => ({ "if-none-match": "other" }), 200],
    ["the same date", () => ({ "if-modified-since": lastModified }), 304],
    ["a later date", () => ({ "if-modified-since": "Fri, 31 Dec 2100 00:00:00 GMT" }), 304],
    ["an earlier date", () => ({ "if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT" }), 200],
    ["an invalid date", () => ({ "if-modified-since": "yesterday" }), 200],
    ["a year in place of a date", () => ({ "if-modified-since": "2099" }), 200],
    ["a number in place of a date", () => ({ "if-unmodified-since": "1" }), 200],
    [
      "another tag, which takes precedence over the date",
      () => ({ "if-none-match": '"x"', "if-modified-since": lastModified }),
      200,
    ],
    ["If-Match of the same tag", () => ({ "if-match": etag }), 200],
    ["If-Match of another tag", () => ({ "if-match": '"other"' }), 412],
    ["If-Match of the weak tag", () => ({ "if-match": `W/${etag}` }), 412],
    [
      "If-Unmodified-Since of a later date",
      () => ({ "if-unmodified-since": "Fri, 31 Dec 2100 00:00:00 GMT" }),
      200,
    ],
    [
      "If-Unmodified-Since of an earlier date",
      () => ({ "if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT" }),
      412,
    ],
  ])("with %s gets the right status, and bytes only with 200", async (_what, headers, status) => {
    const response = await app.picture(mediaId, "", headers());

    expect(response.status).toBe(status);
    expect((await response.arrayBuffer()).byteLength).toBe(status === 200 ? size : 0);
  });

  it("that gets 304 receives what a cache updates and counts no view", async () => {
    const counted = await countedBy(() => app.picture(mediaId, "", { "if-none-match": etag }));
    const response = await app.picture(mediaId, "", { "if-none-match": etag });

    expect(counted).toBe(0);
    expect(response.headers.get("etag")).toBe(etag);
    expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("content-security-policy")).toBeNull(); // Caches keep the stored one.
    expect(response.headers.get("content-type")).toBeNull();
  });
});

describe("a range request", () => {
  it.each([
    ["bytes= 0-99 ", 206, 0, 100],
    ["bytes=0-99", 206, 0, 100],
    ["bytes=0-0", 206, 0, 1],
    ["bytes=100-199", 206, 100, 100],
    ["bytes=61000-", 206, 61_000, 234],
    ["bytes=61000-99999999", 206, 61_000, 234],
    ["bytes=-100", 206, 61_134, 100],
    ["bytes=-99999999", 206, 0, 61_234],
  ])("for %s gets that part", async (range, status, start, length) => {
    const whole = Buffer.from(await (await app.picture(mediaId)).arrayBuffer());

    const response = await app.picture(mediaId, "", { range });

    expect(response.status).toBe(status);
    expect(response.headers.get("content-range")).toBe(`bytes ${start}-${start + length - 1}/${size}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(whole.subarray(start, start + length))).toBe(
      true,
    );
  });

  it.each(["bytes=61234-", "bytes=99999999-", "bytes=-0"])("for %s gets 416 with the size", async (range) => {
    const response = await app.picture(mediaId, "", { range });

    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${size}`);
    expect(await response.json()).toMatchObject({ success: false, code: "BAD_USER_INPUT" });
  });

  it.each([
    "bytes=5-2",
    "bytes=a-b",
    "bytes=-",
    "items=0-5",
    "bytes=0-1,5-6",
    "bytes=1 2-13",
    "by tes=0-5",
    "bytes",
  ])("that is invalid or asks for several parts gets the whole picture: %s", async (range) => {
    const response = await app.picture(mediaId, "", { range });

    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(size);
  });

  it.each([
    ["the same tag", () => etag, 206],
    ["another tag", () => '"other"', 200],
    ["the weak tag", () => `W/${etag}`, 200],
    ["the same date", () => lastModified, 206],
    ["another date", () => "Sat, 01 Jan 2000 00:00:00 GMT", 200],
  ])("gets the part only if If-Range has the current validator: %s", async (_what, ifRange, status) => {
    const response = await app.picture(mediaId, "", { range: "bytes=0-9", "if-range": ifRange() });

    expect(response.status).toBe(status);
  });
});

describe("HEAD", () => {
  it.each(["", "?thumbnail=true"])("has the headers of GET and no body (%s)", async (query) => {
    const get = await app.picture(mediaId, query);
    await get.arrayBuffer();

    const head = await app.picture(mediaId, query, {}, "HEAD");

    const comparable = ({ headers }: Response) => ({
      ...Object.fromEntries(headers),
      date: "",
      "x-request-id": "",
      connection: "",
      "keep-alive": "",
    });
    expect(head.status).toBe(200);
    expect(comparable(head)).toEqual(comparable(get));
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  });

  it("gets 404 for an unknown picture", async () => {
    expect((await app.picture("f".repeat(24), "", {}, "HEAD")).status).toBe(404);
  });
});

describe("a view", () => {
  it.each([
    ["a GET of the picture", () => app.picture(mediaId), 1],
    ["a GET of the thumbnail", () => app.picture(mediaId, "?thumbnail=true"), 1],
    ["a range from the first byte", () => app.picture(mediaId, "", { range: "bytes=0-9" }), 1],
    ["a later range", () => app.picture(mediaId, "", { range: "bytes=10-19" }), 0],
    ["a range beyond the end", () => app.picture(mediaId, "", { range: "bytes=99999999-" }), 0],
    ["HEAD", () => app.picture(mediaId, "", {}, "HEAD"), 0],
    ["a failed condition", () => app.picture(mediaId, "", { "if-match": '"other"' }), 0],
    ["a wrong parameter", () => app.picture(mediaId, "?thumbnail=x"), 0],
    ["an unknown picture", () => app.picture("f".repeat(24)), 0],
  ])("is counted only when bytes are sent from the first one on: %s", async (_what, request, expected) => {
    expect(await countedBy(request)).toBe(expected);
  });

  it("shows at once in GraphQL, and in the record after a flush", async () => {
    await givenPicture();

    await Promise.all(Array.from({ length: 40 }, async () => (await app.picture(mediaId)).arrayBuffer()));
    const counted = await viewCount();
    await app.app.views.flush();

    expect(counted).toBe(40);
    expect(await viewCount()).toBe(40);
    expect((await app.mediaCollection.findOne({}, { sort: { _id: -1 } }))!.view_count).toBe(40);
  });

  it("never lowers the visible count while reads and flushes run concurrently", async () => {
    await givenPicture();
    const seen: number[] = [];

    for (let round = 0; round < 30; round++) {
      const [, , , count] = await Promise.all([
        app.picture(mediaId).then((response) => response.arrayBuffer()),
        app.app.views.flush(),
        app.picture(mediaId).then((response) => response.arrayBuffer()),
        viewCount(),
      ]);
      seen.push(count);
    }

    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(await viewCount()).toBe(60);
  });
});
