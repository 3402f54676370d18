// `moveObjects` copies pictures from one storage to another while the service uses both, and loses none.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { afterEach, beforeEach, expect, it } from "vitest";

import { CleanupJob } from "../../src/jobs/cleanup-job.ts";
import { moveObjects, type MoveOptions } from "../../src/operations/move-objects.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import { MovingStorage } from "../../src/storage/moving-storage.ts";
import { findingsOf } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

let folder: string;
let from: LocalStorage;
let to: LocalStorage;
let app: TestApp;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-move-"));
  const [older, newer] = [path.join(folder, "older"), path.join(folder, "newer")];
  [from, to] = [new LocalStorage(older), new LocalStorage(newer)];
  app = await TestApp.start({
    STORAGE_URL: pathToFileURL(newer).href,
    STORAGE_FALLBACK_URL: pathToFileURL(older).href,
    MEDIA_MEMORY_MB: "0",
    UPLOADS_PER_MINUTE: "100",
  });
});
afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

/** A user whose picture was uploaded before the move: its objects are in the old storage only. */
async function givenMover(): Promise<{ token: string; mediaId: string }> {
  const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
  for await (const { objectKey } of to.list()) {
    await from.put(objectKey, (await to.read(objectKey))!);
    await to.delete(objectKey);
  }
  return person;
}

const move = (options: Partial<MoveOptions> = {}) =>
  moveObjects(app.app.database, { from, to, isDryRun: false, onProgress() {}, ...options });

const statusOf = async (mediaId: string, query = "") => {
  const response = await app.picture(mediaId, query);
  await response.arrayBuffer();
  return response.status;
};
/** Number of objects in a storage's folder, without incomplete ones: their names start with a dot. */
const names = async (name: string) => {
  const all = await readdir(path.join(folder, name)).catch(() => []);
  return all.filter((one) => !one.startsWith(".")).length;
};

it("pictures can be viewed before, during and after the move, and are then in the new storage", async () => {
  const people = [await givenMover(), await givenMover(), await givenMover()];
  const seen: number[] = [];
  for (const { mediaId } of people)
    seen.push(await statusOf(mediaId), await statusOf(mediaId, "?thumbnail=true"));
  const result = await move({
    onProgress: () => void statusOf(people[0]!.mediaId).then((status) => seen.push(status)),
  });
  await rm(path.join(folder, "older"), { recursive: true });
  for (const { mediaId } of people)
    seen.push(await statusOf(mediaId), await statusOf(mediaId, "?thumbnail=true"));

  expect(new Set(seen)).toEqual(new Set([200]));
  expect(result).toMatchObject({ recordCount: 3, copiedCount: 6, presentCount: 0, missing: [] });
  expect(await findingsOf({ database: app.app.database, storage: to })).toEqual([]);
});

it("a dry run counts the objects and copies none", async () => {
  await givenMover();
  const result = await move({ isDryRun: true });

  expect(result).toMatchObject({ copiedCount: 2, presentCount: 0 });
  expect(result.copiedBytes).toBeGreaterThan(60_000);
  expect(await names("newer")).toBe(0);
});

it("objects that cannot be stored are reported, and the next run copies only those", async () => {
  for (let i = 0; i < 4; i++) await givenMover();
  let putCount = 0;
  class Interrupted extends LocalStorage {
    override put(objectKey: string, bytes: Uint8Array): Promise<void> {
      if (++putCount > 3) throw new Error("killed");
      return super.put(objectKey, bytes);
    }
  }
  const { failed } = await move({ to: new Interrupted(path.join(folder, "newer")) });
  const result = await move();

  expect(failed.map(({ reason }) => reason)).toEqual(Array(5).fill("killed"));

  expect(result).toMatchObject({ recordCount: 4, copiedCount: 5, presentCount: 3 });
  expect((await move()).copiedCount).toBe(0);
});

it("an upload during the move goes to the new storage, and a removed picture does not come back", async () => {
  const [stays, goes] = [await givenMover(), await givenMover()];
  await app.graphql(DELETE, {}, goes.token);
  const { database, lifecycle, storage, server } = app.app;
  const cleanup = new CleanupJob(database, lifecycle, storage, { retentionMs: 0 }, server.log);
  const removing = new Proxy(from, {
    get(target, name) {
      if (name !== "read") return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return async (objectKey: string) => {
        const bytes = await target.read(objectKey);
        // The clean-up job removes the picture after its bytes were read and before they are written.
        await cleanup.run({ now: new Date(Date.now() + 60_000) });
        return bytes;
      };
    },
  });
  await move({ from: removing });
  const uploaded = await app.upload({ bytes: sampleImages.portraitJpeg() }, stays.token);
  await move();

  expect(uploaded.errors).toEqual([]);
  await cleanup.run({ now: new Date(Date.now() + 60_000) });
  expect(await findingsOf({ database, storage: to })).toEqual([]);
  expect(await findingsOf({ database, storage: new MovingStorage(to, from) })).toEqual([]);
  expect(await names("newer")).toBe(2);
});

it("an object that is in neither storage is reported as missing", async () => {
  const { mediaId } = await givenMover();
  const { objectKey } = (await app.app.database.media.findById(mediaId))!;
  await from.delete(objectKey);
  const result = await move();

  expect(result.missing).toEqual([objectKey]);
  expect(result.copiedCount).toBe(1);
});

it("an object that the new storage damages is reported, and copied again by the next run", async () => {
  await givenMover();
  class Damaging extends LocalStorage {
    override put(objectKey: string, bytes: Uint8Array): Promise<void> {
      return super.put(objectKey, bytes.subarray(1));
    }
  }

  const { failed } = await move({ to: new Damaging(path.join(folder, "newer")) });
  const again = await move();

  expect(failed.map(({ reason }) => reason)).toEqual(
    Array(2).fill("the bytes that were read back differ from the bytes that were written"),
  );
  expect(again).toMatchObject({ copiedCount: 2, presentCount: 0, failed: [] });
});

it("a truncated original is reported and not copied", async () => {
  const keys: string[] = [];
  for (const isMoved of [false, true]) {
    const { mediaId } = await givenMover();
    const { objectKey } = (await app.app.database.media.findById(mediaId))!;
    const cut = (await from.read(objectKey))!.subarray(0, 500);
    await (isMoved ? to : from).put(objectKey, cut);
    if (isMoved) await from.delete(objectKey);
    expect(await statusOf(mediaId)).toBe(503);
    keys.push(objectKey);
  }

  const { failed, copiedCount } = await move();

  expect(failed.map(({ objectKey }) => objectKey)).toEqual(keys);
  expect(failed[0]!.reason).toMatch(/has 500 bytes instead of \d+/);
  expect(copiedCount).toBe(2); // The thumbnails.
  expect(await to.stat(keys[0]!)).toBeNull();
});

it("an original that is truncated in the new storage is sent from the old one, and copied again", async () => {
  const { mediaId } = await givenMover();
  const { objectKey } = (await app.app.database.media.findById(mediaId))!;
  const whole = (await from.read(objectKey))!;
  await move();
  await to.put(objectKey, whole.subarray(0, 500));
  const [status, findings] = [await statusOf(mediaId), await findingsOf(app.app)];
  const head = await app.picture(mediaId, "", {}, "HEAD");

  expect([status, head.status, findings]).toEqual([200, 200, []]);
  expect(await move()).toMatchObject({ copiedCount: 1, presentCount: 1, failed: [] });
  expect((await to.read(objectKey))!.equals(whole)).toBe(true);
});

it("the move ends with an error after many failures in a row", async () => {
  for (let i = 0; i < 25; i++) await givenMover();
  class Away extends LocalStorage {
    override async stat(): Promise<never> {
      throw new Error("nobody is there");
    }
  }

  await expect(move({ to: new Away(path.join(folder, "newer")) })).rejects.toThrow("nobody is there");
});

it("an object that was repaired in the new storage is not overwritten", async () => {
  const { mediaId } = await givenMover();
  const { thumbnailKey } = (await app.app.database.media.findById(mediaId))!;
  const good = (await from.read(thumbnailKey))!;
  await from.put(thumbnailKey, good.subarray(0, 500));
  await to.put(thumbnailKey, good);

  expect(await move()).toMatchObject({ copiedCount: 1, presentCount: 1, missing: [], failed: [] });
  expect((await to.read(thumbnailKey))!.equals(good)).toBe(true);
});

it("originals of unfinished uploads and of pictures that are being removed are not reported as missing", async () => {
  const [pending, going] = [await givenMover(), await givenMover()];
  for (const [{ mediaId }, state] of [
    [pending, { status: "pending" }],
    [going, { is_deleted: true, is_being_removed: true }],
  ] as const) {
    const { objectKey } = (await app.app.database.media.findById(mediaId))!;
    await from.delete(objectKey);
    await app.mediaCollection.updateOne({ filename: objectKey }, { $set: state });
  }

  // Copies the thumbnail of the unfinished upload, and nothing of the picture that is being removed.
  expect(await move()).toMatchObject({ recordCount: 2, copiedCount: 1, missing: [], failed: [] });
});
