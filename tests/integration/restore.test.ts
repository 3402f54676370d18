// Restoring a deleted or replaced picture within the retention time.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { findingsOf } from "../support/findings.ts";
import type { MediaId } from "../../src/domain/ids.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

const RESTORE = `mutation ($mediaId: ID!) {
  restoreProfilePicture(mediaId: $mediaId) {
    success message user { profilePicture { id viewCount } } media { id url }
  }
}`;
const DAY_MS = 24 * 60 * 60 * 1000;

let app: TestApp;
let person: Person;
let first: string;
beforeEach(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
  ({ mediaId: first, ...person } = await app.givenPersonWithPicture(sampleImages.portraitJpeg()));
});
afterEach(() => app.stop());

const restore = (mediaId: string, token = person.token) => app.graphql(RESTORE, { mediaId }, token);
const codeOf = async (mediaId: string, token?: string) =>
  (await restore(mediaId, token)).errors[0]?.extensions.code;
const statusOf = async (mediaId: string) =>
  Promise.all(["", "?thumbnail=true"].map(async (query) => (await app.picture(mediaId, query)).status));

async function givenSecondPicture(): Promise<string> {
  const { data } = await app.upload({ bytes: await sampleImages.stillGif() }, person.token);
  return data.uploadProfilePicture.media.id;
}

describe("a picture is restored", () => {
  it("after its deletion, under the same id, with its views", async () => {
    await (await app.picture(first)).arrayBuffer();
    await app.graphql(DELETE, {}, person.token);
    const between = await statusOf(first);

    const { data } = await restore(first);

    expect(between).toEqual([404, 404]);
    expect(data.restoreProfilePicture).toMatchObject({
      success: true,
      message: "Profile picture restored successfully",
      user: { profilePicture: { id: first, viewCount: 1 } },
      media: { id: first },
    });
    expect(await statusOf(first)).toEqual([200, 200]);
    expect(await app.mediaCollection.countDocuments({ unsettled_since: { $exists: true } })).toBe(0);
  });

  it("only when its original is complete: a truncated one does not replace a good one", async () => {
    const { objectKey } = (await app.app.database.media.findById(first as MediaId))!;
    const second = await givenSecondPicture();
    const whole = (await app.app.storage.read(objectKey))!;
    await app.app.storage.put(objectKey, whole.subarray(0, 500));
    const { errors } = await restore(first);
    const shown = await statusOf(second);
    await app.app.storage.put(objectKey, whole);

    expect([errors[0]!.extensions.code, shown]).toEqual(["STORAGE_UNAVAILABLE", [200, 200]]);
    expect((await restore(first)).errors).toEqual([]);
  });

  it("after its replacement, and takes the place of the newer picture", async () => {
    const second = await givenSecondPicture();

    const { data } = await restore(first);

    expect(data.restoreProfilePicture.user.profilePicture.id).toBe(first);
    expect([await statusOf(first), await statusOf(second)]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    expect((await restore(second)).data.restoreProfilePicture.media.id).toBe(second);
    expect(await statusOf(first)).toEqual([404, 404]);
  });

  it("by two concurrent requests, which both succeed", async () => {
    await app.graphql(DELETE, {}, person.token);
    const { media } = app.app.database;
    const find = media.findRestorable.bind(media);
    vi.spyOn(media, "findRestorable").mockImplementationOnce(async (...asked) => {
      await restore(first);
      return find(...asked);
    });

    const { data, errors } = await restore(first);

    expect(errors).toEqual([]);
    expect(data.restoreProfilePicture.media.id).toBe(first);
    expect(await statusOf(first)).toEqual([200, 200]);
  });

  it("by two requests one after the other, which both succeed", async () => {
    await app.graphql(DELETE, {}, person.token);
    await restore(first);

    expect((await restore(first)).data.restoreProfilePicture.media.id).toBe(first);
    expect(await statusOf(first)).toEqual([200, 200]);
  });

  it("during other concurrent changes, and only the user's current picture is visible afterwards", async () => {
    const second = await givenSecondPicture();
    const pictures = [await sampleImages.palettePng(), await sampleImages.stillGif()];

    await Promise.all([
      restore(first),
      restore(second),
      restore(first),
      ...pictures.map((bytes) => app.upload({ bytes }, person.token)),
      app.graphql(DELETE, {}, person.token),
      restore(first),
      restore(second),
    ]);

    const current = (await app.usersCollection.findOne({}))!.profile_picture;
    const visible = await app.mediaCollection.find({ is_deleted: { $ne: true } }).toArray();
    expect(visible.map(({ _id }) => String(_id))).toEqual(current ? [String(current)] : []);
    expect(await findingsOf(app.app)).toEqual([]);
  });

  it("and is not removed by a clean-up that had already selected it", async () => {
    await app.graphql(DELETE, {}, person.token);
    const { upkeep } = app.app.database;
    const claimRetired = upkeep.claimRetired.bind(upkeep);
    upkeep.claimRetired = async (...args) => {
      await restore(first);
      return claimRetired(...args);
    };

    const result = await app.app.cleanup.run({ now: new Date(Date.now() + 31 * DAY_MS) });

    expect(result).toMatchObject({ removedCount: 0, failedCount: 0 });
    expect(await statusOf(first)).toEqual([200, 200]);
  });
});

describe("a picture is not restored", () => {
  it("without a token", async () => {
    expect(await codeOf(first, "")).toBe("UNAUTHENTICATED");
  });

  it("by another user", async () => {
    const stranger = await app.givenPerson();
    await app.graphql(DELETE, {}, person.token);

    expect(await codeOf(first, stranger.token)).toBe("MEDIA_NOT_FOUND");
    expect(await statusOf(first)).toEqual([404, 404]);
  });

  it("when its id is unknown or malformed", async () => {
    expect(await codeOf("f".repeat(24))).toBe("MEDIA_NOT_FOUND");
    expect(await codeOf("none")).toBe("BAD_USER_INPUT");
  });

  it("after the retention time, even if it has not been removed yet", async () => {
    await app.graphql(DELETE, {}, person.token);
    await app.mediaCollection.updateOne({}, { $set: { deleted_at: new Date(Date.now() - 31 * DAY_MS) } });

    expect(await codeOf(first)).toBe("MEDIA_NOT_FOUND");
  });

  it("when its bytes are missing or being removed", async () => {
    const second = await givenSecondPicture();
    await app.app.storage.delete((await app.mediaCollection.findOne({}))!.thumbnail);
    const ofFirst = await codeOf(first);
    await app.graphql(DELETE, {}, person.token);
    await app.app.database.upkeep.claimRetired(second, new Date(Date.now() + DAY_MS));

    expect([ofFirst, await codeOf(second)]).toEqual(["MEDIA_NOT_FOUND", "MEDIA_NOT_FOUND"]);
  });

  it("when the pointer cannot be moved: it stays hidden, and can be restored later", async () => {
    await app.graphql(DELETE, {}, person.token);
    const { users } = app.app.database;
    const swapPicture = users.swapPicture.bind(users);
    users.swapPicture = () => Promise.reject(new Error("the database is away"));
    await restore(first);
    users.swapPicture = swapPicture;

    const afterFailure = await statusOf(first);

    expect(afterFailure).toEqual([404, 404]);
    expect((await restore(first)).data.restoreProfilePicture.media.id).toBe(first);
    expect(await findingsOf(app.app)).toEqual([]);
  });

  it("when the process dies during the restoration: it is hidden, and can be restored after a clean-up", async () => {
    await app.graphql(DELETE, {}, person.token);
    const { users, media } = app.app.database;
    const die = () => Promise.reject(new Error("the process is gone"));
    const methods = { swapPicture: users.swapPicture.bind(users), settle: media.settle.bind(media) };
    Object.assign(users, { swapPicture: die });
    Object.assign(media, { settle: die });
    await restore(first);
    Object.assign(users, { swapPicture: methods.swapPicture });
    Object.assign(media, { settle: methods.settle });

    await app.app.cleanup.run({ now: new Date(Date.now() + DAY_MS / 12) });
    const afterCleanup = await statusOf(first);

    expect(afterCleanup).toEqual([404, 404]);
    expect((await restore(first)).data.restoreProfilePicture.media.id).toBe(first);
  });
});

describe("an upload whose last step is delayed", () => {
  /** Makes the first retirement of a media wait until `release` is called. */
  function stallRetirement(retiredId: string) {
    const { media } = app.app.database;
    const settle = media.settle.bind(media);
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    let isFirst = true;
    const stalled = new Promise<void>((reached) => {
      media.settle = async (change) => {
        if (change.retiredId === retiredId && isFirst) {
          isFirst = false;
          reached();
          await released;
        }
        return settle(change);
      };
    });
    return { stalled, release };
  }

  it.each(["current", "deleted"])(
    "does not change the picture that its owner has restored, and that is %s now",
    async (wanted) => {
      const { stalled, release } = stallRetirement(first);
      const late = app.upload({ bytes: await sampleImages.stillGif() }, person.token);
      await stalled;
      await app.upload({ bytes: await sampleImages.palettePng() }, person.token);
      await restore(first);
      if (wanted === "deleted") await app.graphql(DELETE, {}, person.token);

      release();
      await late;

      expect(await statusOf(first)).toEqual(wanted === "current" ? [200, 200] : [404, 404]);
      expect(await findingsOf(app.app)).toEqual([]);
    },
  );

  it("does not clear the mark of a deletion that has begun", async () => {
    const { stalled, release } = stallRetirement(first);
    const late = app.upload({ bytes: await sampleImages.stillGif() }, person.token);
    await stalled;
    const second = String((await app.usersCollection.findOne({}))!.profile_picture);
    const { users, media } = app.app.database;
    await media.markLeaving(second);
    release();
    await late;
    await users.swapPicture(person.user.id, second, null); // The process of the deletion dies here.

    const { errors } = await app.graphql(DELETE, {}, person.token);

    expect(errors).toEqual([]);
    expect(await statusOf(second)).toEqual([404, 404]);
  });
});
