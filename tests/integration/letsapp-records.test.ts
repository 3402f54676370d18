// Compatibility with a LetsApp server: the records that its Flask code writes, and its tokens, work unchanged.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { hash } from "@node-rs/bcrypt";
import { SignJWT } from "jose";
import mongoose from "mongoose";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TEST_SECRET, rootDirOf, TestApp } from "../support/test-app.ts";

const { Binary, ObjectId } = mongoose.mongo;

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

const LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token user { id } } }";

/** A user, a media and its two files, written as LetsApp writes them. */
async function givenLetsAppUser(changes: { user?: object; media?: object } = {}) {
  const [userId, mediaId] = [new ObjectId(), new ObjectId()];
  const filename = `${mediaId.toHexString()}${"0".repeat(8)}.jpg`;
  await app.usersCollection.insertOne({
    _id: userId,
    username: `alex_smith_${userId.toHexString()}`,
    email: `${userId.toHexString()}@example.com`,
    password: await hash("flask's password", 4),
    profile_picture: mediaId,
    created_at: new Date("2023-01-05T10:00:00Z"),
    updated_at: new Date("2023-03-23T14:30:45Z"),
    is_active: true,
    status_message: "hello",
    contacts: [new ObjectId()],
    ...changes.user,
  });
  await app.mediaCollection.insertOne({
    _id: mediaId,
    filename,
    original_filename: "my_photo.jpg",
    file_size: 61_306,
    media_type: "image",
    mime_type: "image/jpeg",
    uploader_id: userId,
    thumbnail: `thumb_${filename}`,
    width: 512,
    height: 600,
    created_at: new Date("2023-03-23T14:30:45Z"),
    view_count: 41,
    is_deleted: false,
    ...changes.media,
  });
  const folder = rootDirOf(app.config.storage);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, filename), sampleImages.portraitJpeg());
  await writeFile(
    path.join(folder, `thumb_${filename}`),
    await sharp(sampleImages.portraitJpeg()).resize(150, 150).toBuffer(),
  );
  const token = await new SignJWT({ fresh: false, type: "access", csrf: "c0ffee" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId.toHexString())
    .setIssuedAt()
    .setExpirationTime("15 minutes")
    .sign(new TextEncoder().encode(TEST_SECRET));
  return { userId, mediaId, token, filename };
}

describe("a LetsApp user", () => {
  it("reads their account and picture with LetsApp's own token", async () => {
    const { userId, mediaId, token } = await givenLetsAppUser();

    const { data, errors } = await app.graphql(
      "{ me { id createdAt profilePicture { id originalFilename fileSize width height viewCount createdAt mimeType } } }",
      {},
      token,
    );

    expect(errors).toEqual([]);
    expect(data.me).toEqual({
      id: userId.toHexString(),
      createdAt: "2023-01-05T10:00:00.000Z",
      profilePicture: {
        id: mediaId.toHexString(),
        originalFilename: "my_photo.jpg",
        fileSize: 61_306,
        width: 512,
        height: 600,
        viewCount: 41,
        createdAt: "2023-03-23T14:30:45.000Z",
        mimeType: "image/jpeg",
      },
    });
  });

  it.each(["", "?thumbnail=true"])("has a picture that is served, cached and counted (%s)", async (query) => {
    const { mediaId } = await givenLetsAppUser();

    const first = await app.picture(mediaId.toHexString(), query);
    const bytes = Buffer.from(await first.arrayBuffer());
    const second = await app.picture(mediaId.toHexString(), query, {
      "if-none-match": first.headers.get("etag")!,
    });
    await app.app.views.flush();

    expect((await sharp(bytes).metadata()).format).toBe("jpeg");
    expect(second.status).toBe(304);
    expect((await app.mediaCollection.findOne({ _id: mediaId }))!.view_count).toBe(42);
  });

  it.each([
    ["text", "flask's password"],
    ["bytes", "flask's password"],
  ])("signs in with a bcrypt password stored as %s", async (kind, password) => {
    const text = await hash(password, 4);
    const stored = kind === "bytes" ? new Binary(Buffer.from(text)) : text;
    const { userId } = await givenLetsAppUser({ user: { password: stored } });

    const { data, errors } = await app.graphql(LOGIN, {
      input: { login: `${userId.toHexString()}@example.com`, password },
    });

    expect(errors).toEqual([]);
    expect(data.login.user.id).toBe(userId.toHexString());
  });

  it("whose password has another kind of hash cannot sign in, and gets the usual error", async () => {
    const { userId } = await givenLetsAppUser({ user: { password: "pbkdf2:sha256:1$x$y" } });

    const { errors } = await app.graphql(LOGIN, {
      input: { login: `${userId.toHexString()}@example.com`, password: "x" },
    });

    expect(errors[0]).toMatchObject({
      message: "The name or the password is wrong, or there were too many attempts within a minute.",
      extensions: { code: "UNAUTHENTICATED" },
    });
  });

  it("replaces and deletes the picture, and keeps every other field", async () => {
    const { userId, mediaId, token } = await givenLetsAppUser();
    const before = await app.usersCollection.findOne({ _id: userId });

    const { data } = await app.upload({ bytes: await sampleImages.stillGif() }, token);
    const between = await app.usersCollection.findOne({ _id: userId });
    await app.graphql(DELETE, {}, token);
    const after = await app.usersCollection.findOne({ _id: userId });

    const newId = data.uploadProfilePicture.media.id;
    expect(between).toEqual({
      ...before,
      profile_picture: new ObjectId(newId),
      updated_at: expect.any(Date),
    });
    expect(after).toEqual({ ...before, profile_picture: null, updated_at: expect.any(Date) });
    expect((await app.picture(mediaId.toHexString())).status).toBe(404);
    expect(await app.mediaCollection.findOne({ _id: mediaId })).toMatchObject({
      is_deleted: true,
      view_count: 41,
    });
  });

  it("keeps a picture whose record lacks the fields that older code did not write", async () => {
    const unset = { thumbnail: "", width: "", height: "", view_count: "", is_deleted: "" };
    const { mediaId, token } = await givenLetsAppUser();
    await app.mediaCollection.updateOne({ _id: mediaId }, { $unset: unset });

    const { data, errors } = await app.graphql(
      "{ me { profilePicture { width height viewCount } } }",
      {},
      token,
    );

    expect(errors).toEqual([]);
    expect(data.me.profilePicture).toEqual({ width: null, height: null, viewCount: 0 });
    expect((await app.picture(mediaId.toHexString(), "?thumbnail=true")).status).toBe(200);
  });

  it("keeps a picture whose record states a wrong file size", async () => {
    const { mediaId } = await givenLetsAppUser({ media: { file_size: 246_812 } });
    const views = await Promise.all([1, 2, 3].map(() => app.picture(mediaId.toHexString())));
    const lengths = await Promise.all(views.map(async (view) => (await view.arrayBuffer()).byteLength));

    expect(lengths).toEqual(Array(3).fill(sampleImages.portraitJpeg().length));
  });

  it("without a profile_picture field has no picture, and can upload one", async () => {
    const { userId, token } = await givenLetsAppUser();
    await app.usersCollection.updateOne({ _id: userId }, { $unset: { profile_picture: "", is_active: "" } });

    const { data } = await app.graphql("{ me { profilePicture { id } } }", {}, token);
    const upload = await app.upload({ bytes: await sampleImages.onePixelPng() }, token);

    expect(data.me).toEqual({ profilePicture: null });
    expect(upload.errors).toEqual([]);
  });
});

describe("LetsApp media that are not pictures, deleted or damaged", () => {
  it.each([
    ["a document", { media_type: "document", mime_type: "application/pdf" }],
    ["an HTML page", { mime_type: "text/html" }],
    ["an SVG", { mime_type: "image/svg+xml" }],
    ["a deleted picture", { is_deleted: true }],
    ["a record without a filename", { filename: undefined, thumbnail: undefined }],
    ["a filename that is too long", { filename: `${"a".repeat(300)}.jpg` }],
    ["a filename that leads out of the folder", { filename: "../../database/letsapp.sqlite" }],
  ])("are not served: %s", async (_what, media) => {
    const { mediaId, token } = await givenLetsAppUser({ media });

    const response = await app.picture(mediaId.toHexString());
    const { data } = await app.graphql(`{ media(id: "${mediaId.toHexString()}") { id } }`, {}, token);

    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "MEDIA_NOT_FOUND" });
    expect([null, mediaId.toHexString()]).toContain(data.media?.id ?? null);
  });

  it("are never removed by the clean-up job when they were deleted without a date", async () => {
    const { mediaId, filename } = await givenLetsAppUser({ media: { is_deleted: true } });

    await app.app.cleanup.run({ now: new Date("2100-01-01") });

    expect(await app.mediaCollection.countDocuments({ _id: mediaId })).toBe(1);
    expect(await app.storedFiles()).toContain(filename);
  });
});
