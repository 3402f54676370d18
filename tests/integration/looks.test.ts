// Crop and filter of an upload; URLs, placeholder and dominant colour of a picture in GraphQL.
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { AppError } from "../../src/errors.ts";
import * as sampleImages from "../support/sample-images.ts";
import { TestApp } from "../support/test-app.ts";

// The service blocks every loader except JPEG, PNG and GIF. The tests read the WebP images that it writes.
sharp.unblock({ operation: ["VipsForeignLoadWebpBuffer"] });

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
});
afterAll(() => app.stop());

/** A PNG of 400 × 200 pixels: four columns in red, green, blue and white, from left to right. */
async function columns(): Promise<Buffer> {
  const colours = ["#ff0000", "#00ff00", "#0000ff", "#ffffff"];
  const input = { create: { width: 100, height: 200, channels: 3 as const, background: "#000" } };
  const parts = await Promise.all(
    colours.map(async (background, at) => ({
      input: await sharp({ create: { ...input.create, background } })
        .png()
        .toBuffer(),
      left: at * 100,
      top: 0,
    })),
  );
  const ground = sharp({ create: { ...input.create, width: 400 } });
  return ground
    .composite(parts.map(({ input: png, ...place }) => ({ ...place, input: png })))
    .png()
    .toBuffer();
}

const literal = (value: object) => JSON.stringify(value).replace(/"/g, "");

async function uploadWith(bytes: Buffer, look: string) {
  const { token } = await app.givenPerson();
  const query = `mutation ($file: Upload!) { uploadProfilePicture(file: $file, ${look}) { media { id thumbnailUrl } } }`;
  return app.upload({ bytes }, token, { query });
}

/** The mean RGB values of a picture's square, then those of its thumbnail. */
async function meansOf(mediaId: string): Promise<number[][]> {
  const queries = ["?size=96&format=png", "?thumbnail=true"];
  return Promise.all(
    queries.map(async (query) => {
      const bytes = Buffer.from(await (await app.picture(mediaId, query)).arrayBuffer());
      const { channels } = await sharp(bytes).stats();
      return channels.slice(0, 3).map(({ mean }) => Math.round(mean));
    }),
  );
}

describe("a crop", () => {
  it.each([
    ["a rectangle", { x: 0.25, y: 0, width: 0.25, height: 1 }, [0, 255, 0]],
    ["a small rectangle", { x: 0.55, y: 0.4, width: 0.05, height: 0.1 }, [0, 0, 255]],
    ["the last pixel", { x: 1, y: 1, width: 1e-9, height: 1e-9 }, [255, 255, 255]],
    ["the point to the left", { x: 0, y: 0.5 }, [128, 128, 0]],
    ["the point to the right", { x: 1, y: 0.5 }, [128, 128, 255]],
    ["thirds", { x: 2 / 3 + 1e-8, y: 0, width: 1 / 3, height: 1 }, [191, 191, 255]],
  ])("selects the part that square and thumbnail show: %s", async (_what, crop, expected) => {
    const { data, errors } = await uploadWith(await columns(), `crop: ${literal(crop)}`);
    const means = await meansOf(data.uploadProfilePicture.media.id);

    expect(errors).toEqual([]);
    for (const mean of means) {
      for (const [at, part] of mean.entries()) expect(Math.abs(part - expected[at]!)).toBeLessThan(70);
    }
  });

  it.each([
    "{ x: -0.1, y: 0 }",
    "{ x: 0, y: 1.1 }",
    "{ x: 0, y: 0, width: 0, height: 1 }",
    "{ x: 0, y: 0, width: 1, height: 0 }",
    "{ x: 0.5, y: 0, width: 0.6, height: 1 }",
    "{ x: 0, y: 0.5, width: 1, height: 0.6 }",
    "{ x: 0, y: 0, width: 1 }",
    "{ x: 0, y: 0, height: 1 }",
    "{ x: 0, y: 0, width: -1, height: -1 }",
    "{ x: 1e308, y: 0 }",
  ])("that is invalid is refused, and nothing is stored: %s", async (crop) => {
    const before = await app.traces();
    const { errors } = await uploadWith(await columns(), `crop: ${crop}`);

    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
    expect(errors[0]!.message).toMatch(/^`crop` must .*\.$/);
    expect(await app.traces()).toEqual(before);
  });

  it("refers to the upright picture when its EXIF orientation turns it", async () => {
    const lying = await sharp(await columns())
      .rotate(90)
      .withMetadata({ orientation: 8 })
      .jpeg()
      .toBuffer();
    const { data } = await uploadWith(lying, "crop: { x: 0, y: 0, width: 0.2, height: 1 }");

    for (const [red, green, blue] of await meansOf(data.uploadProfilePicture.media.id)) {
      expect(red).toBeGreaterThan(230);
      expect(Math.max(green!, blue!)).toBeLessThan(40);
    }
  });
});

describe("a filter", () => {
  it("changes squares and thumbnails, and never the original", async () => {
    const bytes = await columns();
    const { data } = await uploadWith(bytes, "filter: GRAYSCALE");
    const { id } = data.uploadProfilePicture.media;
    const original = Buffer.from(await (await app.picture(id)).arrayBuffer());

    expect(original.equals(bytes)).toBe(true);
    for (const [red, green, blue] of await meansOf(id)) expect([green, blue]).toEqual([red, red]);
  });

  it.each(["SEPIA", "SHARPEN", "GRAYSCALE"])("works on every kind of picture: %s", async (filter) => {
    const kinds = [
      sampleImages.portraitJpeg(),
      await sampleImages.palettePng(),
      await sampleImages.transparentPng(),
      await sampleImages.animatedGif(),
      await sharp(sampleImages.portraitJpeg()).grayscale().png().toBuffer(),
    ];
    for (const bytes of kinds) {
      const { data, errors } = await uploadWith(bytes, `filter: ${filter}`);
      expect(errors).toEqual([]);
      const { id } = data.uploadProfilePicture.media;
      for (const query of ["?size=96", "?size=64&animated=true", "?thumbnail=true"]) {
        expect((await app.picture(id, query)).status).toBe(200);
      }
    }
  });
});

describe("a filter on a transparent picture", () => {
  it.each(["GRAYSCALE", "SEPIA", "SHARPEN"])("keeps its transparency: %s", async (filter) => {
    const half = { create: { width: 100, height: 200, channels: 4 as const, background: "#80604020" } };
    const ground = sharp({ create: { ...half.create, width: 200, background: "#00000000" } });
    const bytes = await ground
      .composite([{ input: await sharp(half).png().toBuffer(), left: 0, top: 0 }])
      .png()
      .toBuffer();
    const { data } = await uploadWith(bytes, `filter: ${filter}`);
    for (const query of ["?size=96&format=png", "?thumbnail=true", "?size=96&animated=true"]) {
      const picture = await app.picture(data.uploadProfilePicture.media.id, query);
      const { channels } = await sharp(Buffer.from(await picture.arrayBuffer()))
        .ensureAlpha()
        .stats();
      expect([channels[3]!.min, channels[3]!.max]).toEqual([0, expect.closeTo(32, -1)]);
    }
  });
});

describe("a REST form", () => {
  const uploadForm = async (fields: Record<string, string>, isFileFirst = false) => {
    const person = await app.givenPerson();
    const form = new FormData();
    if (isFileFirst) form.set("file", new Blob([new Uint8Array(await columns())]), "a.png");
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    if (!isFileFirst) form.set("file", new Blob([new Uint8Array(await columns())]), "a.png");
    return app.postFormByRest(form, person);
  };

  it.each([true, false])(
    "accepts crop and filter before and after the file: file first %s",
    async (isFileFirst) => {
      const crop = JSON.stringify({ x: 0, y: 0, width: 0.25, height: 1 });
      const response = await uploadForm({ crop, filter: "GRAYSCALE" }, isFileFirst);
      const { media_id: mediaId } = (await response.json()) as { media_id: string };
      const record = await app.mediaCollection.findOne({}, { sort: { _id: -1 } });

      expect(record).toMatchObject({ crop: { x: 0, y: 0, width: 0.25, height: 1 }, filter: "GRAYSCALE" });
      for (const [red, green] of await meansOf(mediaId)) expect(green).toBe(red);
    },
  );

  it.each([
    { crop: "left" },
    { crop: `${'{"x":0.5,"y":0.5}'.padEnd(1_024)}}}garbage` },
    { crop: "null" },
    { crop: "[]" },
    { crop: '{"x":"0.5","y":0.5}' },
    { crop: '{"x":0.5,"y":0.5,"width":2,"height":1}' },
    { filter: "BLUR" },
    { filter: "" },
  ])("with an invalid crop or filter is refused, and nothing is stored: %j", async (fields) => {
    const before = await app.traces();
    const response = await uploadForm(fields);

    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      400,
      "BAD_USER_INPUT",
    ]);
    expect(await app.traces()).toEqual(before);
  });
});

describe("a picture in GraphQL", () => {
  const QUERY = `
    query ($id: ID!) {
      media(id: $id) {
        url
        square: url(size: PX96)
        webp: url(size: PX300, format: WEBP)
        srcset
        avif: srcset(format: AVIF)
        placeholder { thumbHash dataUrl }
        dominantColor
      }
    }
  `;

  it("has the URLs of its squares, a placeholder and a dominant colour", async () => {
    const { mediaId, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { data } = await app.graphql(QUERY, { id: mediaId }, token);
    const url = `${app.baseUrl}/api/users/media/${mediaId}`;
    const [type, base64] = data.media.placeholder.dataUrl.split(",");

    expect(data.media).toMatchObject({ url, square: `${url}?size=96`, webp: `${url}?size=300&format=webp` });
    expect(data.media.srcset).toBe(
      [32, 48, 64, 96, 150, 300].map((size) => `${url}?size=${size} ${size}w`).join(", ") +
        `, ${url}?size=600 512w`,
    );
    expect(data.media.avif).toContain(`${url}?size=32&format=avif 32w, `);
    expect(Buffer.from(data.media.placeholder.thumbHash, "base64").length).toBeLessThan(30);
    expect([type, Buffer.from(base64, "base64").subarray(8, 12).toString()]).toEqual([
      "data:image/webp;base64",
      "WEBP",
    ]);
    expect(data.media.placeholder.dataUrl.length).toBeLessThan(500);
    expect(data.media.dominantColor).toMatch(/^#[0-9a-f]{6}$/);
  });

  it("has URLs of the CDN when one is configured", async () => {
    const behindCdn = await TestApp.start({ CDN_URL: "https://cdn.example/pictures" });
    const { mediaId, token, user } = await behindCdn.givenPersonWithPicture(sampleImages.portraitJpeg());
    const url = `https://cdn.example/pictures/api/users/media/${mediaId}`;
    const { data } = await behindCdn.graphql(QUERY, { id: mediaId }, token);
    const me = await behindCdn.graphql("{ me { profilePictureUrl(size: PX96) } }", {}, token);
    await behindCdn.stop();

    expect(data.media).toMatchObject({ url, square: `${url}?size=96` });
    expect(data.media.srcset.split(", ").every((one: string) => one.startsWith(url))).toBe(true);
    expect(me.data.me.profilePictureUrl).toBe(
      `https://cdn.example/pictures/api/users/${user.id}/profile-picture?size=96`,
    );
  });

  it("has its most common colour as the dominant one", async () => {
    const bytes = await sharp({ create: { width: 60, height: 60, channels: 3, background: "#1166cc" } })
      .png()
      .toBuffer();
    const { mediaId, token } = await app.givenPersonWithPicture(bytes);
    const { data } = await app.graphql(`{ media(id: "${mediaId}") { dominantColor } }`, {}, token);

    expect(data.media.dominantColor).toBe("#1166cc");
  });

  it("with an old record has no placeholder until one is made in the background", async () => {
    const { mediaId, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { data: made } = await app.graphql(QUERY, { id: mediaId }, token);
    await app.mediaCollection.updateMany({}, { $unset: { placeholder: 1, dominant_color: 1 } });
    const other = await TestAppBeside.of(app, mediaId);

    const first = other.find();
    await expect.poll(() => other.find()?.thumbHash).toBe(made.media.placeholder.thumbHash);

    expect(first).toBeNull();
    expect(await app.mediaCollection.findOne({ placeholder: { $exists: true } })).toMatchObject({
      placeholder: made.media.placeholder.thumbHash,
      dominant_color: made.media.dominantColor,
    });
  });

  it("gets its placeholder at a later attempt when the first one fails for a temporary reason", async () => {
    const { mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.mediaCollection.updateMany({}, { $unset: { placeholder: 1, dominant_color: 1 } });
    const other = await TestAppBeside.of(app, mediaId);
    const run = vi
      .spyOn(app.app.pictureMaker, "run")
      .mockRejectedValueOnce(new AppError("OVERLOADED", "Too many."));
    other.find();
    await expect.poll(() => run.mock.settledResults.length).toBe(1);

    await expect.poll(() => other.find()?.thumbHash).toMatch(/^[\w+/=]{20,}$/);
  });

  it("refuses a URL with a format but without a size", async () => {
    const { mediaId, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { errors } = await app.graphql(`{ media(id: "${mediaId}") { url(format: WEBP) } }`, {}, token);

    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
  });
});

/** A newly read record of a picture, as another process that has not cached its placeholder has it. */
class TestAppBeside {
  static async of({ app: { database, placeholders } }: TestApp, mediaId: string) {
    const media = (await database.media.findById(mediaId))!;
    return { find: () => placeholders.find(media) };
  }
}
