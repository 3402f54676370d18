// The doctor finds and repairs records, pointers and objects that do not fit; erasure removes a user's pictures.
import { mongo } from "mongoose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { erasePictures } from "../../src/operations/erasure.ts";
import { RenditionFolder } from "../../src/storage/rendition-folder.ts";
import * as sampleImages from "../support/sample-images.ts";
import { findingsOf } from "../support/findings.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
let person: Person;
let mediaId: string;
let record: mongo.Document;
beforeEach(async () => {
  app = await TestApp.start();
  ({ mediaId, ...person } = await app.givenPersonWithPicture(sampleImages.portraitJpeg()));
  record = (await app.mediaCollection.findOne({}))!;
});
afterEach(() => app.stop());

const found = async () => (await findingsOf(app.app)).map(({ kind, subject }) => [kind, subject]);
const pictureOf = async () => (await app.usersCollection.findOne({}))!.profile_picture;
const setMedia = (fields: object) => app.mediaCollection.updateOne({}, { $set: fields });
const setPointer = (id: string) =>
  app.usersCollection.updateOne({}, { $set: { profile_picture: new mongo.ObjectId(id) } });

/** Each row: the kind of the expected finding, how to cause the fault, and the finding's subject. */
const faults: [string, () => Promise<unknown>, () => string][] = [
  ["pointer-to-nothing", () => setPointer("f".repeat(24)), () => person.user.id],
  ["pointer-to-hidden", () => setMedia({ is_deleted: true, deleted_at: new Date() }), () => person.user.id],
  ["missing-original", () => app.app.storage.delete(record.filename), () => mediaId],
  [
    "unreadable-original",
    () => app.app.storage.put(record.filename, Buffer.alloc(record.file_size, "no picture")),
    () => mediaId,
  ],
  ["missing-thumbnail", () => app.app.storage.delete(record.thumbnail), () => mediaId],
  ["unreadable-thumbnail", () => app.app.storage.put(record.thumbnail, Buffer.from("GIF89a")), () => mediaId],
  ["object-without-record", () => app.app.storage.put("stray.jpg", Buffer.from("x")), () => "stray.jpg"],
  [
    "shown-but-not-current",
    () => app.usersCollection.updateOne({}, { $set: { profile_picture: null } }),
    () => mediaId,
  ],
];

const erase = (userId: string) =>
  erasePictures(
    userId,
    app.app.database,
    app.app.lifecycle,
    app.app.storage,
    new RenditionFolder(app.config.media.renditionDir, 1e6),
  );

describe("the doctor", () => {
  it("finds nothing wrong with current, replaced and deleted pictures and LetsApp's attachments", async () => {
    await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    const other = await app.givenPersonWithPicture(await sampleImages.palettePng());
    await app.graphql(DELETE, {}, other.token);
    await app.mediaCollection.insertOne({
      filename: "report.pdf",
      mime_type: "application/pdf",
      uploader_id: new mongo.ObjectId(),
    });

    expect(await found()).toEqual([]);
  });

  it.each(faults)(
    "finds %s without changing anything, and repairs it when asked to",
    async (kind, spoil, subject) => {
      await spoil();
      const before = [await app.traces(), await app.mediaCollection.findOne({}), await pictureOf()];

      const findings = await findingsOf(app.app);
      const after = [await app.traces(), await app.mediaCollection.findOne({}), await pictureOf()];
      const kinds = findings.map((finding) => [finding.kind, finding.subject]);
      for (const { repair } of findings) await repair();
      for (const { repair } of await findingsOf(app.app)) await repair(); // A repair may reveal another fault.

      expect(after).toEqual(before);
      expect(kinds).toContainEqual([kind, subject()]);
      expect(await found()).toEqual([]);
    },
  );

  it("redraws a missing thumbnail and keeps the picture", async () => {
    const thumbnail = await app.app.storage.read(record.thumbnail);
    await app.app.storage.delete(record.thumbnail);

    for (const { repair } of await findingsOf(app.app)) await repair();

    expect((await app.app.storage.read(record.thumbnail))!.equals(thumbnail!)).toBe(true);
    expect((await app.picture(mediaId, "?thumbnail=true")).status).toBe(200);
  });

  it("finds a pointer to another user's picture", async () => {
    const other = await app.givenPerson();
    await app.usersCollection.updateOne(
      { username: other.user.username },
      { $set: { profile_picture: new mongo.ObjectId(mediaId) } },
    );

    expect(await found()).toEqual([["pointer-to-foreign", other.user.id]]);
  });

  it("finds a pointer to another user's picture that is hidden", async () => {
    const other = await app.givenPerson();
    await app.usersCollection.updateOne(
      { username: other.user.username },
      { $set: { profile_picture: new mongo.ObjectId(mediaId) } },
    );
    await app.graphql(DELETE, {}, person.token);

    expect(await found()).toEqual([["pointer-to-foreign", other.user.id]]);
  });

  it("continues after a damaged record", async () => {
    await app.mediaCollection.insertMany([
      { mime_type: "image/png", status: "ready", is_deleted: false },
      { filename: `${"a".repeat(300)}.png`, uploader_id: new mongo.ObjectId(), status: "ready" },
    ]);
    await app.app.storage.delete(record.thumbnail);

    expect((await found()).map(([kind]) => kind)).toContain("missing-thumbnail");
  });

  it("ignores objects and records of uploads that may be under way", async () => {
    await app.app.storage.put("just-now.jpg", Buffer.from("x"));
    await setMedia({ unsettled_since: new Date(), status: "pending" });
    const { Doctor } = await import("../../src/operations/doctor.ts");
    const findings = [];
    for await (const finding of new Doctor(app.app.database, app.app.lifecycle, app.app.storage).examine())
      findings.push(finding);

    expect(findings).toEqual([]);
  });
});

describe("the doctor during uploads", () => {
  it("finds nothing wrong, and removes no picture that is uploaded while it runs", async () => {
    const people = await Promise.all(Array.from({ length: 12 }, () => app.givenPerson()));
    const bytes = await sampleImages.flatPng(40, 40);
    const busy = Promise.all(
      people.map(async ({ token }) => {
        for (let i = 0; i < 8; i++) await app.upload({ bytes }, token);
      }),
    );
    const found: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (const { kind, repair } of await findingsOf(app.app, new Date())) {
        found.push(kind);
        await repair();
      }
    }
    await busy;

    const pictures = await app.usersCollection.countDocuments({ profile_picture: { $ne: null } });
    expect(found).toEqual([]);
    expect(pictures).toBe(people.length + 1);
    expect(await findingsOf(app.app)).toEqual([]);
  });

  it("checks again before each repair: a picture that has become current in between stays", async () => {
    await app.usersCollection.updateOne({}, { $set: { profile_picture: null } });
    const findings = await findingsOf(app.app);
    await setPointer(mediaId);

    for (const { repair } of findings) await repair();

    expect(findings.map(({ kind }) => kind)).toEqual(["shown-but-not-current"]);
    expect((await app.picture(mediaId)).status).toBe(200);
  });
});

describe("erasure", () => {
  it("removes all pictures of one user at once, and none of other users", async () => {
    await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    const other = await app.givenPersonWithPicture(await sampleImages.palettePng());

    const result = await erase(person.user.id);

    expect(result).toEqual({ erasedCount: 2, leftAloneCount: 0 });
    expect(await app.mediaCollection.countDocuments()).toBe(1);
    expect(await app.storedFiles()).toHaveLength(2);
    expect((await app.picture(mediaId)).status).toBe(404);
    expect((await app.picture(other.mediaId)).status).toBe(200);
    expect(await found()).toEqual([]);
  });

  it("finishes an interrupted erasure when it runs again", async () => {
    const remove = app.app.storage.delete.bind(app.app.storage);
    app.app.storage.delete = () => Promise.reject(new Error("the process is gone"));
    const interrupted = erase(person.user.id);
    await expect(interrupted).rejects.toThrow("the process is gone");
    app.app.storage.delete = remove;
    const status = (await app.picture(mediaId)).status;

    const result = await erase(person.user.id);

    expect(status).toBe(404);
    expect(result.erasedCount).toBe(1);
    expect(await app.traces()).toEqual({ records: 0, files: [] });
  });

  it("leaves records alone whose objects are not in its storage", async () => {
    await app.mediaCollection.insertOne({
      filename: "report.pdf",
      mime_type: "application/pdf",
      uploader_id: new mongo.ObjectId(person.user.id),
    });

    const result = await erase(person.user.id);

    expect(result).toEqual({ erasedCount: 1, leftAloneCount: 1 });
  });
});
