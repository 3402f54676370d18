// GET /api/users/:userId/profile-picture: redirects to the current picture, or draws the user's initials.
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { UserId } from "../../src/domain/ids.ts";
import { colourOf } from "../../src/domain/initials.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

// The service writes WebP and AVIF but blocks their loaders. The tests read the images that it wrote.
sharp.unblock({ operation: ["VipsForeignLoadWebpBuffer", "VipsForeignLoadHeifBuffer"] });

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
});
afterAll(() => app.stop());

const current = ({ user }: Person, query = "", init: RequestInit = {}) =>
  app.fetch(`/api/users/${user.id}/profile-picture${query}`, { redirect: "manual", ...init });

describe("the address of a user with a picture", () => {
  it("redirects to it in the requested size and format, and follows each change at once", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const first = await current(person, "?size=96&format=webp");
    const { data } = await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
    const second = await current(person);
    await app.graphql(DELETE, {}, person.token);
    const third = await current(person);

    expect([first.status, second.status, third.status]).toEqual([302, 302, 200]);
    expect(first.headers.get("location")).toBe(
      `${app.baseUrl}/api/users/media/${person.mediaId}?size=96&format=webp`,
    );
    expect(second.headers.get("location")).toContain(data.uploadProfilePicture.media.id);
    expect(first.headers.get("cache-control")).toBe("public, max-age=60");
    expect(first.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("leads a client that follows redirects to the bytes", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { data } = await app.graphql(`{ me { profilePictureUrl(size: PX64) } }`, {}, person.token);

    const response = await fetch(data.me.profilePictureUrl);
    const { width } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();

    expect([response.status, width]).toEqual([200, 64]);
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

async function pixelsOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("image/png");
  const image = sharp(Buffer.from(await response.arrayBuffer())).removeAlpha();
  return image.raw().toBuffer({ resolveWithObject: true });
}

/** Returns 1 for each RGB pixel of the white drawing, 0 for the background, whose colour differs between users. */
function isWhite(pixels: Buffer): Buffer {
  return Buffer.from(Array.from({ length: pixels.length / 3 }, (_, at) => Number(pixels[at * 3]! > 200)));
}
