// A database, a storage or a clock that fails for a while: which errors clients get, and that the service recovers
// without a restart.
import { afterEach, describe, expect, it, vi } from "vitest";

import { Commands } from "../../src/embedded-mongo/commands.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import { secondDatabaseUri, startEmbeddedInThread } from "../support/database.ts";
import { findingsOf } from "../support/findings.ts";
import { Network } from "../support/network.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, rootDirOf, TestApp } from "../support/test-app.ts";

const RESTORE = "mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { success } }";

let app: TestApp;
afterEach(async () => {
  vi.useRealTimers();
  await app.stop();
});

describe.skipIf(secondDatabaseUri() !== undefined)("a database that is unreachable for a while", () => {
  it("leads to 503, and to no loss of pictures or views once it is back", async () => {
    let network!: Network;
    app = await TestApp.start(
      {},
      {
        startEmbeddedMongo: async (file) => {
          const embedded = await startEmbeddedInThread(file);
          network = new Network({ path: decodeURIComponent(embedded.uri.split("/")[2]!) });
          const close = () => network.cut().then(() => embedded.close());
          return { uri: `mongodb://127.0.0.1:${await network.connect()}/?directConnection=true`, close };
        },
      },
    );
    const { token, mediaId, user } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    for (let i = 0; i < 3; i++) await (await app.picture(mediaId)).arrayBuffer();

    await network.cut();
    const [upload, deletion, ready] = await Promise.all([
      app.uploadByRest({ bytes: sampleImages.portraitJpeg() }, { user, token }),
      app.graphql(DELETE, {}, token),
      app.fetch("/readyz"),
    ]);
    // `MediaCache` shows the picture from memory for two seconds. After that, another process may have deleted it.
    let fromMemoryCount = 0;
    const view = async () => {
      const response = await app.picture(mediaId);
      await response.arrayBuffer();
      if (response.status === 200) fromMemoryCount += 1;
      return response.status;
    };
    await expect.poll(view, { timeout: 3_000 }).toBe(503);
    await app.app.views.flush();
    const pending = app.app.views.totals.pending;
    await network.connect();
    await expect.poll(async () => (await app.fetch("/readyz")).status, { timeout: 20_000 }).toBe(200);
    await (await app.picture(mediaId)).arrayBuffer();
    await app.app.views.flush();

    expect([upload.status, ready.status]).toEqual([503, 503]);
    expect(deletion.errors[0]!.extensions.code).toBe("DATABASE_UNAVAILABLE");
    expect(pending).toBe(3 + fromMemoryCount);
    expect((await app.mediaCollection.findOne({}))!.view_count).toBe(4 + fromMemoryCount);
    expect((await app.upload({ bytes: await sampleImages.stillGif() }, token)).errors).toEqual([]);
    expect(await findingsOf(app.app)).toEqual([]);
  }, 60_000);
});

describe.skipIf(secondDatabaseUri() !== undefined)("a database that", () => {
  it("hangs leads to 503 in bounded time, and is used again once it responds", async () => {
    let network!: Network;
    app = await TestApp.start(
      {},
      {
        startEmbeddedMongo: async (file) => {
          const embedded = await startEmbeddedInThread(file);
          network = new Network({ path: decodeURIComponent(embedded.uri.split("/")[2]!) });
          const close = () => network.cut().then(() => embedded.close());
          return { uri: `mongodb://127.0.0.1:${await network.connect()}/?directConnection=true`, close };
        },
      },
    );
    const { user, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    network.fault = "stalls";
    const startedAtMs = performance.now();

    const [upload, list] = await Promise.all([
      app.uploadByRest({ bytes: sampleImages.portraitJpeg() }, { user, token }),
      app.graphql("{ users { edges { node { id } } } }", {}, token),
    ]);

    expect(upload.status).toBe(503);
    expect(list.errors[0]!.extensions.code).toBe("DATABASE_UNAVAILABLE");
    expect(performance.now() - startedAtMs).toBeLessThan(12_000);
    network.fault = "none";
    const tryAgain = async () =>
      (await app.upload({ bytes: sampleImages.portraitJpeg() }, token)).errors.length;
    await expect.poll(tryAgain, { timeout: 20_000 }).toBe(0);
    expect(await findingsOf(app.app)).toEqual([]);
  }, 60_000);

  it("fails over leads to 503, and loses no upload that was confirmed", async () => {
    app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
    const people = await Promise.all(Array.from({ length: 4 }, () => app.givenPerson()));
    const bytes = await sampleImages.onePixelPng();
    // The answer of a server that has just stepped down as primary.
    const run = Commands.prototype.run;
    const spy = vi.spyOn(Commands.prototype, "run");
    const stepDown = () =>
      spy.mockImplementation(function (this: Commands, command) {
        if (!("update" in command || "insert" in command)) return run.call(this, command);
        return { ok: 0, code: 10107, codeName: "NotWritablePrimary", errmsg: "not primary" };
      });
    const stepUp = () => spy.mockImplementation(run);
    const confirmed = new Map<string, string>();
    const codes = new Set<unknown>();

    const uploading = people.map(async ({ user, token }) => {
      for (let i = 0; i < 12; i++) {
        const { data, errors } = await app.upload({ bytes }, token);
        if (data) confirmed.set(user.id, data.uploadProfilePicture.media.id);
        else codes.add(errors[0]!.extensions.code);
      }
    });
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      stepDown();
      await new Promise((resolve) => setTimeout(resolve, 100));
      stepUp();
    }
    await Promise.all(uploading);

    expect([...codes]).toEqual(["DATABASE_UNAVAILABLE"]);
    for (const { user, token } of people) {
      const { data } = await app.graphql("{ me { profilePicture { id } } }", {}, token);
      expect(data.me.profilePicture.id).toBe(confirmed.get(user.id));
    }
    const { failedCount } = await app.app.cleanup.run({ now: new Date(Date.now() + 24 * 60 * 60 * 1000) });
    expect(failedCount).toBe(0);
    expect(await findingsOf(app.app)).toEqual([]);
  }, 60_000);
});

describe("a storage that answers late", () => {
  class SlowStorage extends LocalStorage {
    override async read(objectKey: string): Promise<Buffer | null> {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return super.read(objectKey);
    }
  }

  it("delays the requests that read from it, and no others", async () => {
    app = await TestApp.start({}, { createStorage: ({ storage }) => new SlowStorage(rootDirOf(storage)) });
    const { mediaId, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const answers: string[] = [];
    const noted = async (what: string, request: Promise<unknown>) => {
      await request;
      answers.push(what);
    };

    await Promise.all([
      ...Array.from({ length: 20 }, () => noted("picture", app.picture(mediaId))),
      noted("health", app.fetch("/healthz")),
      noted("users", app.graphql("{ users { edges { node { id } } } }", {}, token)),
    ]);

    expect(answers.slice(0, 2).toSorted()).toEqual(["health", "users"]);
    expect(app.app.views.totals.counted).toBe(20);
  });
});

describe("a clock that jumps", () => {
  const HOUR_MS = 60 * 60 * 1000;

  it.each([
    ["back", -3 * HOUR_MS],
    ["forward", 3 * HOUR_MS],
  ])("%s by hours loses nothing that was acknowledged", async (_where, jumpMs) => {
    app = await TestApp.start();
    const { token, mediaId: first } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await (await app.picture(first)).arrayBuffer();

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + jumpMs });
    const renewed = await app.app.tokens.issue((await app.usersCollection.findOne({}))!._id.toHexString());
    const { data } = await app.upload({ bytes: await sampleImages.stillGif() }, renewed);
    const second: string = data.uploadProfilePicture.media.id;
    await (await app.picture(second)).arrayBuffer();
    await app.app.views.flush();
    await app.app.cleanup.run();
    await app.graphql(DELETE, {}, renewed);
    vi.useRealTimers();
    await app.app.cleanup.run();
    const restored = await app.graphql(RESTORE, { id: first }, token);

    expect(restored.errors).toEqual([]);
    expect([(await app.picture(first)).status, (await app.picture(second)).status]).toEqual([200, 404]);
    const counts = await app.mediaCollection.find().sort({ _id: 1 }).toArray();
    expect(counts.map(({ view_count: count }) => count).toSorted()).toEqual([1, 1]);
    expect(await findingsOf(app.app)).toEqual([]);
  });
});
