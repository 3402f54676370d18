// A failure or a crash at any step of an upload or a deletion: what it leaves behind, and how the clean-up finishes it.
import { mongo } from "mongoose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Lease } from "../../src/database/lease.ts";
import { AppError } from "../../src/errors.ts";
import { CleanupJob } from "../../src/jobs/cleanup-job.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, rootDirOf, TestApp } from "../support/test-app.ts";

const TWO_HOURS_MS = 2 * 60 * 60 * 1000;
const later = () => new Date(Date.now() + TWO_HOURS_MS);

let app: TestApp;
let failsOn: string | null;

/** Stores real files. The method that `failsOn` names fails; `put` fails for thumbnails only. */
class FailingStorage extends LocalStorage {
  override async put(objectKey: string, bytes: Uint8Array): Promise<void> {
    if (failsOn === "put" && objectKey.startsWith("thumb_")) throw unavailable();
    await super.put(objectKey, bytes);
  }

  override async read(objectKey: string): Promise<Buffer | null> {
    if (failsOn === "read") throw unavailable();
    return super.read(objectKey);
  }

  override async delete(objectKey: string): Promise<void> {
    if (failsOn === "delete") throw unavailable();
    await super.delete(objectKey);
  }
}

const unavailable = () => new AppError("STORAGE_UNAVAILABLE", "Pictures cannot be stored or read right now.");

beforeEach(async () => {
  failsOn = null;
  app = await TestApp.start(
    { UPLOADS_PER_MINUTE: "1000" },
    { createStorage: ({ storage }) => new FailingStorage(rootDirOf(storage)) },
  );
});
afterEach(() => app.stop());

/** Simulates a crash: every call of `method` fails until the returned function is called. */
function dieBefore(repository: object, method: string): () => void {
  const original = (repository as Record<string, unknown>)[method];
  (repository as Record<string, unknown>)[method] = () => Promise.reject(new Error("the process is gone"));
  return () => {
    (repository as Record<string, unknown>)[method] = original;
  };
}

async function currentPicture(token: string): Promise<string | null> {
  const { data } = await app.graphql("{ me { profilePicture { id } } }", {}, token);
  return data.me.profilePicture?.id ?? null;
}

const unsettledCount = () => app.mediaCollection.countDocuments({ unsettled_since: { $exists: true } });

describe("when a picture cannot be stored", () => {
  it("the old one stays, and the error of GraphQL and REST says when to try again", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    failsOn = "put";

    const { errors } = await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    const response = await app.uploadByRest({ bytes: await sampleImages.stillGif() }, person);

    expect(errors[0]!.extensions).toMatchObject({ code: "STORAGE_UNAVAILABLE", retryAfterSeconds: 5 });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.json()).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(await currentPicture(person.token)).toBe(person.mediaId);
    expect((await app.picture(person.mediaId)).status).toBe(200);
  });

  it("its stored parts are removed after the grace period, and not before", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const before = await app.traces();
    failsOn = "put";
    await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    failsOn = null;

    const early = await app.app.cleanup.run();
    const between = await app.traces();
    const late = await app.app.cleanup.run({ now: later() });

    expect(early).toMatchObject({ abandonedCount: 0 });
    expect(between.records).toBe(before.records + 1);
    expect(between.files.length).toBe(before.files.length + 1);
    expect(late).toEqual({ abandonedCount: 1, settledCount: 0, removedCount: 0, failedCount: 0 });
    expect(await app.traces()).toEqual(before);
  });
});

describe("when a picture cannot be read", () => {
  it("the answer is 503, and no view is counted", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    failsOn = "read";

    const response = await app.picture(person.mediaId);

    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(app.app.views.totals.counted).toBe(0);
  });

  it("because its bytes are missing, the answer is 404, and no view is counted", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const record = await app.mediaCollection.findOne({});
    await app.app.storage.delete(record!.filename);

    const response = await app.picture(person.mediaId);

    expect(response.status).toBe(404);
    expect(app.app.views.totals.counted).toBe(0);
  });
});

describe("when the process dies during an upload", () => {
  it.each([
    ["the bytes are stored", "media", "markReady", "before"],
    ["the picture is ready", "users", "swapPicture", "before"],
    ["the pointer has moved", "media", "settle", "after"],
  ] as const)(
    "after %s, the clean-up leaves only the current picture visible",
    async (_when, repository, method, outcome) => {
      const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
      const revive = dieBefore(app.app.database[repository], method);
      await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
      revive();
      const duringCrash = await currentPicture(person.token);

      await app.app.cleanup.run({ now: later() });

      const afterCleanup = await currentPicture(person.token);
      expect(afterCleanup).toBe(duringCrash);
      expect(afterCleanup === person.mediaId ? "before" : "after").toBe(outcome);
      expect((await app.picture(afterCleanup!)).status).toBe(200);
      expect((await app.picture(afterCleanup!, "?thumbnail=true")).status).toBe(200);
      // No other picture of this user is visible.
      const visible = await app.mediaCollection.countDocuments({
        is_deleted: { $ne: true },
        status: "ready",
      });
      expect(visible).toBe(1);
      expect(await unsettledCount()).toBe(0);
    },
  );
});

describe("when the process dies during a deletion", () => {
  it.each([
    ["before the pointer is unset, the picture stays", "users", "swapPicture", 200],
    ["after the pointer is unset, the picture goes", "media", "settle", 404],
  ] as const)("%s", async (_when, repository, method, status) => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const revive = dieBefore(app.app.database[repository], method);
    await app.graphql(DELETE, {}, person.token);
    revive();

    const result = await app.app.cleanup.run({ now: later() });

    expect(result).toMatchObject({ settledCount: 1, abandonedCount: 0, failedCount: 0 });
    expect((await app.picture(person.mediaId)).status).toBe(status);
    expect(await currentPicture(person.token)).toBe(status === 200 ? person.mediaId : null);
    expect(await unsettledCount()).toBe(0);
  });
});

describe("an interrupted change", () => {
  const changes: Record<string, (person: { token: string }, earlierId: string) => Promise<unknown>> = {
    deletion: ({ token }) => app.graphql(DELETE, {}, token),
    replacement: async ({ token }) => app.upload({ bytes: await sampleImages.palettePng() }, token),
    restoration: ({ token }, id) =>
      app.graphql("mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { success } }", { id }, token),
  };
  const steps = [
    ["media", "markLeaving"],
    ["media", "markReady"],
    ["users", "swapPicture"],
    ["media", "hide"],
    ["media", "settle"],
  ] as const;

  it.each(Object.keys(changes).flatMap((kind) => steps.map(([part, step]) => [kind, step, part] as const)))(
    "(%s, before %s) leaves only the current picture visible, even before a clean-up",
    async (kind, step, part) => {
      const first = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
      const { data } = await app.upload({ bytes: await sampleImages.stillGif() }, first.token);
      const second: string = data.uploadProfilePicture.media.id;
      for (const id of [first.mediaId, second]) await (await app.picture(id)).arrayBuffer(); // Caches the record.

      const revive = dieBefore(app.app.database[part], step);
      await changes[kind]!(first, first.mediaId);
      revive();

      const currentId = await app.app.database.users.findPictureId(first.user.id);
      const all = (await app.mediaCollection.find().toArray()).map(({ _id }) => String(_id));
      const seen = [];
      for (const id of all) if ((await app.picture(id)).status === 200) seen.push(id);
      expect(seen).toEqual(currentId === null ? [] : [currentId]);

      // A start of the service on the embedded database calls this.
      await app.app.cleanup.settleUnfinished();
      expect(await app.app.database.users.findPictureId(first.user.id)).toBe(currentId);
      expect(await unsettledCount()).toBe(0);
      const left = await app.mediaCollection.countDocuments({ is_deleted: { $ne: true }, status: "ready" });
      expect(left).toBe(currentId === null ? 0 : 1);
    },
  );

  it("does not show the upload of a user who was deactivated before the swap", async () => {
    const person = await app.givenPerson();
    const { users } = app.app.database;
    const swap = users.swapPicture.bind(users);
    vi.spyOn(users, "swapPicture").mockImplementationOnce(async (...change) => {
      await app.usersCollection.updateOne({ username: person.user.username }, { $set: { is_active: false } });
      return swap(...change);
    });

    await app.upload({ bytes: sampleImages.portraitJpeg() }, person.token);

    const [media] = await app.mediaCollection.find().toArray();
    expect((await app.picture(String(media!._id))).status).toBe(404);
  });

  it("ends with a visible picture when its owner restored it while it was being retired", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { users, media } = app.app.database;
    const revive = dieBefore(media, "reinstate");
    const hide = media.hide.bind(media);
    vi.spyOn(media, "hide").mockImplementationOnce(async (id) => {
      await hide(id);
      await app.usersCollection.updateOne(
        { username: person.user.username },
        { $set: { profile_picture: new mongo.ObjectId(person.mediaId) } }, // The restoration's last step.
      );
    });
    await app.graphql(DELETE, {}, person.token);
    revive();

    await app.app.cleanup.settleUnfinished();

    expect(await users.findPictureId(person.user.id)).toBe(person.mediaId);
    expect((await app.picture(person.mediaId)).status).toBe(200);
  });
});

describe("when the process dies after the swap, and the next request precedes the clean-up", () => {
  it.each([
    [
      "another upload",
      async (token: string) => app.upload({ bytes: await sampleImages.palettePng() }, token),
    ],
    ["a deletion", async (token: string) => app.graphql(DELETE, {}, token)],
  ])("%s hides every picture that was replaced", async (_what, goOn) => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const revive = dieBefore(app.app.database.media, "settle");
    const interrupted = await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    revive();

    await goOn(person.token);

    expect(interrupted.errors).toEqual([]);
    expect((await app.picture(person.mediaId)).status).toBe(404);
    expect((await app.picture(interrupted.data.uploadProfilePicture.media.id)).status).toBe(404);
    expect(await unsettledCount()).toBe(0);
  });

  it("a repeated deletion finishes the one that failed", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const revive = dieBefore(app.app.database.media, "settle");
    const failed = await app.deleteByRest(person);
    revive();
    const between = await app.picture(person.mediaId);

    const again = await app.deleteByRest(person);
    const third = await app.deleteByRest(person);

    expect([failed.status, between.status, again.status, third.status]).toEqual([500, 404, 200, 404]);
    expect((await app.picture(person.mediaId)).status).toBe(404);
    expect(await unsettledCount()).toBe(0);
  });
});

describe("a deletion that an upload overtakes", () => {
  it("removes the uploaded picture, and leaves no mark on the previous one", async () => {
    const { token, mediaId } = await app.givenPersonWithPicture(await sampleImages.palettePng());
    const { users } = app.app.database;
    const swap = users.swapPicture.bind(users);
    vi.spyOn(users, "swapPicture").mockImplementationOnce(async (...change) => {
      vi.restoreAllMocks();
      await app.upload({ bytes: sampleImages.portraitJpeg() }, token);
      return swap(...change);
    });

    const { errors } = await app.graphql(DELETE, {}, token);

    expect(errors).toEqual([]);
    expect(await currentPicture(token)).toBeNull();
    const marks = { $or: [{ is_leaving: true }, { unsettled_since: { $exists: true } }] };
    expect(await app.mediaCollection.countDocuments(marks)).toBe(0);
    const restoring = "mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { media { id } } }";
    const before = new Date();
    await app.graphql(restoring, { id: mediaId }, token);
    expect(await app.app.database.media.findChangedSince(before)).toMatchObject([
      { mediaId, isHidden: false },
    ]);
  });
});

describe("an upload that takes longer than the grace period", () => {
  it("does not become current once the clean-up has removed its record, and leaves nothing behind", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const before = await app.traces();
    const { media } = app.app.database;
    const markReady = media.markReady.bind(media);
    media.markReady = async (id, replacesId) => {
      await app.app.cleanup.run({ now: later() });
      return markReady(id, replacesId);
    };

    const { errors } = await app.upload({ bytes: await sampleImages.stillGif() }, person.token);

    expect(errors[0]!.extensions.code).toBe("STORAGE_UNAVAILABLE");
    expect(await app.traces()).toEqual(before);
    expect(await currentPicture(person.token)).toBe(person.mediaId);
  });
});

describe("the clean-up", () => {
  const afterRetention = () => new Date(Date.now() + 31 * 24 * 60 * 60 * 1000);

  it("removes bytes and records of retired pictures after the retention time, and no others", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    const other = await app.givenPersonWithPicture(await sampleImages.palettePng());
    await app.graphql(DELETE, {}, other.token);

    const early = await app.app.cleanup.run({ now: new Date(Date.now() + 29 * 24 * 60 * 60 * 1000) });
    const late = await app.app.cleanup.run({ now: afterRetention() });

    expect(early).toMatchObject({ removedCount: 0 });
    expect(late).toEqual({ abandonedCount: 0, settledCount: 0, removedCount: 2, failedCount: 0 });
    expect(await app.mediaCollection.countDocuments()).toBe(1);
    expect(await app.storedFiles()).toHaveLength(2);
    expect((await app.picture((await currentPicture(person.token))!)).status).toBe(200);
  });

  it("removes nothing that another process may still show, even if `deleted_at` is wrong", async () => {
    const { token } = await app.givenPersonWithPicture(await sampleImages.palettePng());
    await app.graphql(DELETE, {}, token);
    const { database, lifecycle, storage, server } = app.app;
    await app.mediaCollection.updateOne({}, { $set: { deleted_at: new Date(0) } });
    const cleanup = new CleanupJob(database, lifecycle, storage, { retentionMs: 0 }, server.log);

    expect(await cleanup.run()).toMatchObject({ removedCount: 0, failedCount: 0 });
    await expect.poll(async () => (await cleanup.run()).removedCount, { timeout: 5_000 }).toBe(1);
  });

  it("reports in a dry run what it would do, and changes nothing", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    await app.mediaCollection.insertMany(
      Array.from({ length: 250 }, (_, i) => ({
        filename: `${i}.png`,
        original_filename: "x",
        mime_type: "image/png",
        uploader_id: new mongo.ObjectId(),
        status: "pending",
        unsettled_since: new Date(0),
      })),
    );
    const before = [await app.traces(), await app.mediaCollection.find().toArray()];

    const result = await app.app.cleanup.run({ now: afterRetention(), isDryRun: true });

    expect(result).toEqual({ abandonedCount: 250, settledCount: 0, removedCount: 1, failedCount: 0 });
    expect([await app.traces(), await app.mediaCollection.find().toArray()]).toEqual(before);
  });

  it("keeps the record when its bytes could not be removed, and tries again", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.graphql(DELETE, {}, person.token);
    failsOn = "delete";

    const failed = await app.app.cleanup.run({ now: afterRetention() });
    const between = await app.mediaCollection.countDocuments();
    failsOn = null;
    const again = await app.app.cleanup.run({ now: afterRetention() });

    expect(failed).toMatchObject({ removedCount: 0, failedCount: 1 });
    expect(between).toBe(1);
    expect(again).toMatchObject({ removedCount: 1, failedCount: 0 });
    expect(await app.mediaCollection.countDocuments()).toBe(0);
  });

  it("never removes a user's current picture, even if its record is marked as deleted", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.mediaCollection.updateOne({}, { $set: { is_deleted: true, deleted_at: new Date(0) } });

    const result = await app.app.cleanup.run({ now: afterRetention() });

    expect(result).toMatchObject({ removedCount: 0, failedCount: 1 });
    expect(await app.storedFiles()).toHaveLength(2);
    expect(await app.mediaCollection.countDocuments()).toBe(1);
    expect(person.mediaId).toBeDefined();
  });

  it("does not touch objects without a record", async () => {
    await app.app.storage.put("somebody-elses.jpg", Buffer.from("bytes"));

    await app.app.cleanup.run({ now: afterRetention() });

    expect(await app.storedFiles()).toEqual(["somebody-elses.jpg"]);
  });

  it("keeps a picture that its owner restores at the same moment", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await app.upload({ bytes: await sampleImages.flatPng(20, 20) }, person.token);
    const { users } = app.app.database;
    const secondId = await users.findPictureId(person.user.id);
    await app.mediaCollection.updateOne(
      { _id: new mongo.ObjectId(secondId!) },
      { $set: { unsettled_since: new Date(0), replaces: new mongo.ObjectId(person.mediaId) } },
    );
    const findPictureId = users.findPictureId.bind(users);
    vi.spyOn(users, "findPictureId").mockImplementationOnce(async (id) => {
      const currentId = await findPictureId(id);
      const query = "mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { success } }";
      await app.graphql(query, { id: person.mediaId }, person.token);
      return currentId;
    });

    await app.app.cleanup.run();
    vi.restoreAllMocks();

    expect(await users.findPictureId(person.user.id)).toBe(person.mediaId);
    expect((await app.picture(person.mediaId)).status).toBe(200);
    expect((await app.picture(secondId!)).status).toBe(404);
  });

  it("runs in one process at a time, and removes nothing twice", async () => {
    for (let i = 0; i < 5; i++) {
      const person = await app.givenPersonWithPicture(await sampleImages.flatPng(20, 20));
      await app.graphql(DELETE, {}, person.token);
    }
    const { database, lifecycle, storage, server } = app.app;
    const deleting = vi.spyOn(storage, "delete");
    const jobs = Array.from({ length: 4 }, () => {
      const { users, media, upkeep } = database;
      const cleanupLease = new Lease(database.connection, database.clock, "cleanup"); // Each process has its own.
      return new CleanupJob(
        { users, media, upkeep, cleanupLease },
        lifecycle,
        storage,
        app.config.cleanup,
        server.log,
      );
    });

    const results = await Promise.all(jobs.map((job) => job.run({ now: afterRetention() })));

    const removedCounts = results.map(({ removedCount }) => removedCount);
    expect(removedCounts.toSorted()).toEqual([0, 0, 0, 5]);
    expect(results.every(({ failedCount }) => failedCount === 0)).toBe(true);
    expect(deleting).toHaveBeenCalledTimes(10);
    expect(await app.mediaCollection.countDocuments()).toBe(0);
  });
});
