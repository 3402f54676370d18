// Successful uploads and deletions through GraphQL and REST.
import { createHash } from "node:crypto";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

/** Uploads through GraphQL or REST and returns the media's id. */
type Upload = (bytes: Buffer, person: Person) => Promise<string>;

const doors: [string, Upload][] = [
  [
    "GraphQL",
    async (bytes, { token }) => {
      const { data } = await app.upload({ bytes }, token);
      return data.uploadProfilePicture.media.id;
    },
  ],
  [
    "REST",
    async (bytes, person) => {
      const response = await app.uploadByRest({ bytes }, person);
      return ((await response.json()) as { media_id: string }).media_id;
    },
  ],
];

describe("uploadProfilePicture", () => {
  it("returns the picture and its URLs", async () => {
    const { user, token } = await app.givenPerson();

    const { status, data, errors } = await app.upload(
      { bytes: sampleImages.portraitJpeg(), filename: "My Photo.JPG", contentType: "text/html" },
      token,
    );

    expect(errors).toEqual([]);
    expect(status).toBe(200);
    const { media, ...rest } = data.uploadProfilePicture;
    expect(rest).toEqual({
      success: true,
      message: "Profile picture updated successfully",
      user: { id: user.id, profilePicture: { id: media.id } },
    });
    expect(media).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      url: `${app.baseUrl}/api/users/media/${media.id}`,
      thumbnailUrl: `${app.baseUrl}/api/users/media/${media.id}?thumbnail=true`,
      originalFilename: "My Photo.JPG",
      fileSize: 61_234,
      mediaType: "image",
      mimeType: "image/jpeg",
      width: 512,
      height: 600,
      viewCount: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      uploader: { id: user.id },
    });
  });

  it("accepts the caller's own user id in upper case, too", async () => {
    const { user, token } = await app.givenPerson();

    const { errors } = await app.upload({ bytes: await sampleImages.onePixelPng() }, token, {
      userId: user.id.toUpperCase(),
    });

    expect(errors).toEqual([]);
  });

  it.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\fakepath\\me.png", "me.png"],
    ["日本 ☃.png", "日本 ☃.png"],
    ["a\u202egpj.exe", "agpj.exe"],
  ])("removes folders and invisible characters from the filename %j", async (filename, expected) => {
    const { token } = await app.givenPerson();

    const { data } = await app.upload({ bytes: await sampleImages.onePixelPng(), filename }, token);

    expect(data.uploadProfilePicture.media.originalFilename).toBe(expected);
  });
});

describe("POST /api/users/:userId/profile-picture", () => {
  it("answers with the fixed message and the picture's URLs", async () => {
    const person = await app.givenPerson();

    const response = await app.uploadByRest({ bytes: sampleImages.portraitJpeg() }, person);

    expect(response.status).toBe(200);
    const body = (await response.json()) as { media_id: string };
    expect(body).toEqual({
      success: true,
      message: "Profile picture updated successfully",
      media_id: expect.stringMatching(/^[0-9a-f]{24}$/),
      url: `${app.baseUrl}/api/users/media/${body.media_id}`,
      thumbnail_url: `${app.baseUrl}/api/users/media/${body.media_id}?thumbnail=true`,
    });
  });

  it("ignores other fields of the form", async () => {
    const person = await app.givenPerson();
    const form = new FormData();
    form.set("caption", "me");
    form.set("file", new Blob([new Uint8Array(await sampleImages.onePixelPng())]), "me.png");

    expect((await app.postFormByRest(form, person)).status).toBe(200);
  });
});

describe.each(doors)("an upload through %s", (_door, upload) => {
  it("is stored with the fields of LetsApp's records, under a random object key", async () => {
    const person = await app.givenPerson();

    const mediaId = await upload(sampleImages.portraitJpeg(), person);

    const record = (await app.mediaCollection.findOne(
      { uploader_id: { $exists: true } },
      { sort: { _id: -1 } },
    ))!;
    expect(record).toEqual({
      _id: expect.anything(),
      filename: expect.stringMatching(/^[0-9a-f]{32}\.jpg$/),
      original_filename: "picture",
      file_size: 61_234,
      media_type: "image",
      mime_type: "image/jpeg",
      uploader_id: expect.anything(),
      thumbnail: `thumb_${record.filename}`,
      width: 512,
      height: 600,
      created_at: expect.any(Date),
      view_count: 0,
      is_deleted: false,
      status: "ready",
      etag: expect.any(String),
      placeholder: expect.any(String),
      dominant_color: expect.stringMatching(/^#[0-9a-f]{6}$/),
      changed_at: expect.any(Date),
    });
    expect([String(record._id), String(record.uploader_id)]).toEqual([mediaId, person.user.id]);
    expect(await app.storedFiles()).toEqual(expect.arrayContaining([record.filename, record.thumbnail]));
  });

  it("is served as original and thumbnail, without metadata", async () => {
    const mediaId = await upload(await sampleImages.orientedJpeg(6), await app.givenPerson());

    const original = Buffer.from(await (await app.picture(mediaId)).arrayBuffer());
    const thumbnail = Buffer.from(await (await app.picture(mediaId, "?thumbnail=true")).arrayBuffer());

    expect(await sharp(original).metadata()).toMatchObject({ width: 512, height: 600, format: "jpeg" });
    expect(await sharp(thumbnail).metadata()).toMatchObject({ width: 150, height: 150, format: "jpeg" });
    expect(original.includes("Exif")).toBe(false);
  });

  it("retires the previous picture, which then gets 404", async () => {
    const person = await app.givenPerson();
    const before = await upload(sampleImages.portraitJpeg(), person);

    const after = await upload(await sampleImages.stillGif(), person);

    expect((await app.picture(before)).status).toBe(404);
    expect((await app.picture(before, "?thumbnail=true")).status).toBe(404);
    expect((await app.picture(after)).status).toBe(200);
    const { data } = await app.graphql(
      `{ me { profilePicture { id } } media(id: "${before}") { id } }`,
      {},
      person.token,
    );
    expect(data).toEqual({ me: { profilePicture: { id: after } }, media: null });
  });

  it("accepts exactly 819,200 bytes", async () => {
    const bytes = await sampleImages.jpegOfSize(819_200);

    expect(await upload(bytes, await app.givenPerson())).toMatch(/^[0-9a-f]{24}$/);
  });

  it.each([
    ["JPEG", sampleImages.progressiveJpeg, "image/jpeg"],
    ["PNG", sampleImages.interlacedPng, "image/png"],
    ["GIF", sampleImages.animatedGif, "image/gif"],
  ])("serves a %s byte for byte", async (_format, make, contentType) => {
    const bytes = await make();

    const response = await app.picture(await upload(bytes, await app.givenPerson()));

    expect(response.headers.get("content-type")).toBe(contentType);
    expect(sha256(await response.arrayBuffer())).toBe(sha256(bytes));
  });
});

describe("deleting", () => {
  it("through GraphQL hides the picture at once", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());

    const { data, errors } = await app.graphql(DELETE, {}, person.token);

    expect(errors).toEqual([]);
    expect(data.deleteProfilePicture).toEqual({
      success: true,
      message: "Profile picture deleted successfully",
      user: { id: person.user.id, profilePicture: null },
      media: null,
    });
    expect((await app.picture(person.mediaId)).status).toBe(404);
    expect((await app.picture(person.mediaId, "?thumbnail=true")).status).toBe(404);
  });

  it("through REST hides the picture and answers with the fixed message", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());

    const response = await app.deleteByRest(person);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ success: true, message: "Profile picture deleted successfully" });
    expect((await app.picture(person.mediaId)).status).toBe(404);
  });

  it("keeps the record and the objects until the clean-up", async () => {
    const person = await app.givenPersonWithPicture(await sampleImages.stillGif());
    const record = await app.mediaCollection.findOne({}, { sort: { _id: -1 } });

    await app.deleteByRest(person);

    const retired = await app.mediaCollection.findOne({ _id: record!._id });
    expect(retired).toMatchObject({ is_deleted: true, deleted_at: expect.any(Date) });
    expect(retired).not.toHaveProperty("unsettled_since");
    expect(await app.storedFiles()).toEqual(expect.arrayContaining([record!.filename, record!.thumbnail]));
    const user = await app.usersCollection.findOne({ username: person.user.username });
    expect(user?.profile_picture).toBeNull();
  });
});

describe("concurrent uploads of one user", () => {
  it("leave one pointer, one visible picture, and all others retired", async () => {
    const person = await app.givenPerson();
    const bytes = await sampleImages.onePixelPng();

    const answers = await Promise.all(Array.from({ length: 5 }, () => app.upload({ bytes }, person.token)));

    const ids = answers.map(({ data }) => data.uploadProfilePicture.media.id as string);
    const statuses = await Promise.all(ids.map(async (id) => (await app.picture(id)).status));
    const { data } = await app.graphql("{ me { profilePicture { id } } }", {}, person.token);
    expect(statuses.toSorted()).toEqual([200, 404, 404, 404, 404]);
    expect(ids[statuses.indexOf(200)]).toBe(data.me.profilePicture.id);
    expect(await app.mediaCollection.countDocuments({ unsettled_since: { $exists: true } })).toBe(0);
  });
});

function sha256(bytes: ArrayBuffer | Buffer): string {
  return createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
}
