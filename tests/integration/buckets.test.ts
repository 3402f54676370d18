// The whole service with its pictures in a bucket, also while the bucket is unreachable, hangs or sends incomplete
// responses.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { BucketStorage } from "../../src/storage/bucket-storage.ts";
import { createGcsBucket } from "../../src/storage/gcs-bucket.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import { MovingStorage } from "../../src/storage/moving-storage.ts";
import { createS3Bucket } from "../../src/storage/s3-bucket.ts";
import { secondDatabaseUri } from "../support/database.ts";
import { findingsOf } from "../support/findings.ts";
import { Network } from "../support/network.ts";
import { isInstalled, ObjectStore } from "../support/object-stores.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, type Person } from "../support/test-app.ts";

const TWO_HOURS_MS = 2 * 60 * 60 * 1000;

/** The SDKs make three attempts of up to five seconds each; `BucketStorage` gives up after 20 seconds. */
const BOUNDED_MS = 21_000;

/** The response of an ingress that has no server to forward to. */
const NOT_FOUND =
  "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\ndefault backend - 404";

/** The response of a maintenance page that was put in the bucket's place. */
const BACK_AT_NOON = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nback at noon";

const isOnSecondDatabase = secondDatabaseUri() !== undefined; // The kind of database does not matter here.

describe.skipIf(isOnSecondDatabase).each(["s3", "gcs"] as const)("pictures in a bucket: %s", (kind) => {
  let store: ObjectStore;
  let network: Network;
  let app: TestApp;
  let count = 0;

  beforeAll(async () => {
    if (isInstalled(kind)) store = await ObjectStore.start(kind);
  });
  afterAll(() => store?.stop());
  beforeEach(async (context) => {
    context.skip(!isInstalled(kind));
    network = new Network({ port: store.port, host: "127.0.0.1" });
    const endpoint = `http://127.0.0.1:${await network.connect()}`;
    const scheme = kind === "s3" ? "s3" : "gs";
    const STORAGE_URL = `${scheme}://pictures/test-${++count}?endpoint=${endpoint}`;
    app = await TestApp.start({ STORAGE_URL, MEDIA_MEMORY_MB: "0", UPLOADS_PER_MINUTE: "100" });
  });
  afterEach(async () => {
    await app?.stop();
    await network?.cut();
  });

  const bytes = sampleImages.portraitJpeg();
  const statusOf = async (answer: Promise<Response>) => {
    const response = await answer;
    await response.arrayBuffer();
    return response.status;
  };

  const countViews = async ({ mediaId, token }: Person & { mediaId: string }) => {
    const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);
    return data.media.viewCount as number;
  };

  /** Runs the clean-up job as if two hours had passed, then expects that the doctor finds nothing. */
  async function expectNothingLeft(): Promise<void> {
    const { cleanup, database, storage } = app.app;
    await cleanup.run({
      now: new Date(Date.now() + TWO_HOURS_MS),
    });
    expect(await findingsOf({ database, storage })).toEqual([]);
  }

  it("are uploaded, viewed, resized, replaced and deleted", async () => {
    const { token, mediaId } = await app.givenPersonWithPicture(bytes);
    const original = Buffer.from(await (await app.picture(mediaId)).arrayBuffer());
    const thumbnail = await statusOf(app.picture(mediaId, "?thumbnail=true"));
    const square = await statusOf(app.picture(mediaId, "?size=96&format=webp"));
    const replaced = await app.upload({ bytes: await sampleImages.palettePng() }, token);
    const before = await statusOf(app.picture(mediaId));
    await app.graphql(DELETE, {}, token);
    const after = await statusOf(app.picture(replaced.data.uploadProfilePicture.media.id));
    const ready = await app.fetch("/readyz");

    expect(original.length).toBeGreaterThan(50_000);
    expect([thumbnail, square, before, after, ready.status]).toEqual([200, 200, 404, 404, 200]);
    await expectNothingLeft();
  });

  it.skipIf(kind === "gcs")("cannot be read from the bucket without credentials", async () => {
    await app.givenPersonWithPicture(bytes);
    const { value: object } = await app.app.storage.list()[Symbol.asyncIterator]().next();
    const url = `http://127.0.0.1:${store.port}/pictures/test-${count}/${object.objectKey}`;

    expect(await statusOf(fetch(url))).toBe(403); // fake-gcs-server does not check credentials.
    expect(object.objectKey).toMatch(/^(thumb_)?[0-9a-f]{32}\.jpg$/);
  });

  const faults: [string, () => Promise<void> | void][] = [
    ["is gone", () => network.cut()],
    ["hangs", () => void (network.fault = "stalls")],
    ["sends half of each answer", () => void (network.fault = "truncates")],
    ["is hidden by a proxy that answers 404", () => void (network.instead = NOT_FOUND)],
  ];
  it.each(faults)(
    "are refused with 503 in bounded time while the bucket %s, and are served again afterwards",
    async (_what, break_) => {
      const person: Person & { mediaId: string } = await app.givenPersonWithPicture(bytes);
      const startedAt = performance.now();
      await break_();
      const [upload, view, ready] = await Promise.all([
        app.upload({ bytes }, person.token),
        app.picture(person.mediaId),
        statusOf(app.fetch("/readyz")),
      ]);
      const tookMs = performance.now() - startedAt;
      const viewed = (await view.json()) as { code: string };
      await network.cut();
      network.fault = "none";
      network.instead = null;
      await network.connect();

      expect(upload.errors?.[0]?.extensions.code).toBe("STORAGE_UNAVAILABLE");
      expect([view.status, viewed.code, ready]).toEqual([503, "STORAGE_UNAVAILABLE", 503]);
      expect(tookMs).toBeLessThan(BOUNDED_MS);
      expect(await statusOf(app.picture(person.mediaId))).toBe(200); // The failed upload did not replace the picture.
      expect((await app.upload({ bytes }, person.token)).errors).toEqual([]);
      expect(await statusOf(app.fetch("/readyz"))).toBe(200);
      await expectNothingLeft();
    },
  );

  it("are not taken for missing while a proxy answers 404 in place of the bucket", async () => {
    const { mediaId } = await app.givenPersonWithPicture(bytes);
    const { objectKey } = (await app.app.database.media.findById(mediaId))!;
    network.instead = NOT_FOUND;
    const { storage } = app.app;
    const outcomes = await Promise.allSettled([
      storage.delete(objectKey),
      storage.stat(objectKey),
      storage.read(objectKey),
    ]);
    network.instead = null;

    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "STORAGE_UNAVAILABLE" } });
    expect(await statusOf(app.picture(mediaId))).toBe(200);
    await storage.delete(objectKey);
    expect([await storage.stat(objectKey), await storage.read(objectKey)]).toEqual([null, null]);
    await storage.delete(objectKey); // Deleting a missing object is not an error.
  });

  it("are neither sent, counted, stored nor deleted while a proxy answers 200 in place of the bucket", async () => {
    const person = await app.givenPersonWithPicture(bytes);
    const { token, mediaId } = person;
    const media = (await app.app.database.media.findById(mediaId))!;
    const { objectKey, thumbnailKey } = media;
    const { storage } = app.app;
    network.instead = BACK_AT_NOON;
    const { errors } = await app.upload({ bytes }, token);
    const answers = await Promise.all(
      ["", "?thumbnail=true", "?w=96"].map((query) => statusOf(app.picture(mediaId, query))),
    );
    answers.push(await statusOf(app.picture(mediaId, "", {}, "HEAD")));
    const outcomes = await Promise.allSettled([
      storage.delete(objectKey),
      storage.stat(thumbnailKey),
      storage.read(thumbnailKey),
      storage.list()[Symbol.asyncIterator]().next(),
    ]);
    network.instead = null;

    expect(errors[0]!.extensions.code).toBe("STORAGE_UNAVAILABLE");
    expect(answers).toEqual([503, 503, 503, 503]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "STORAGE_UNAVAILABLE" } });
    expect(await countViews(person)).toBe(0);
    const view = await app.picture(mediaId);
    expect([view.status, (await view.arrayBuffer()).byteLength]).toEqual([200, media.fileSizeBytes]);
  });

  it("are read at once after many reads timed out because the bucket sent a few bytes per second", async () => {
    const { mediaId } = await app.givenPersonWithPicture(bytes);
    const { objectKey } = (await app.app.database.media.findById(mediaId))!;
    const endpoint = `http://127.0.0.1:${network.port}`;
    const config = { kind, bucket: "pictures", prefix: `test-${count}/`, region: null, endpoint };
    const bucket = kind === "s3" ? await createS3Bucket(config) : createGcsBucket(config);
    const storage = new BucketStorage(bucket, config.prefix, 1_500);
    network.fault = "trickles";
    const reads = await Promise.allSettled(Array.from({ length: 60 }, () => storage.read(objectKey)));
    network.fault = "none";

    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect((await storage.read(objectKey))!.length).toBeGreaterThan(50_000);
  });

  describe("MEDIA_DELIVERY=redirect", () => {
    let person: Person & { mediaId: string };
    beforeEach(async () => {
      await app.stop();
      const scheme = kind === "s3" ? "s3" : "gs";
      app = await TestApp.start({
        STORAGE_URL: `${scheme}://pictures/redirect-${count}?endpoint=http://127.0.0.1:${store.port}`,
        MEDIA_DELIVERY: "redirect",
      });
      person = await app.givenPersonWithPicture(bytes);
    });
    const get = (query = "", headers: Record<string, string> = {}, method = "GET") =>
      fetch(`${app.baseUrl}/api/users/media/${person.mediaId}${query}`, {
        headers,
        method,
        redirect: "manual",
      });

    it("redirects to an address that is signed for a minute, and counts each redirect as a view", async () => {
      const direct = await get();
      const fetched = await fetch(direct.headers.get("location")!);
      const length = (await fetched.arrayBuffer()).byteLength;
      const thumbnail = await fetch((await get("?thumbnail=true")).headers.get("location")!);

      expect(direct.status).toBe(302);
      expect(direct.headers.get("cache-control")).toBe("public, max-age=30");
      expect(new URL(direct.headers.get("location")!).search).toMatch(
        /(X-Amz-Expires|X-Goog-Expires)=60|Expires=\d+/,
      );
      expect([fetched.status, thumbnail.status]).toEqual([200, 200]);
      expect(length).toBe(
        (await app.app.storage.stat((await app.mediaCollection.findOne({}))!.filename))!.sizeBytes,
      );
      expect(await countViews(person)).toBe(2);
    });

    it("counts no view for HEAD, 304 or a range that starts later, and sends squares without a redirect", async () => {
      const etag = (await get("?size=96", {}, "HEAD")).headers.get("etag")!;
      const statuses = [
        await get("", {}, "HEAD"),
        await get("", { range: "bytes=100-" }),
        await get("", { "if-modified-since": new Date().toUTCString() }),
      ].map(({ status }) => status);
      const before = await countViews(person);
      const square = await get("?size=96");

      expect(etag).toContain("-96");
      expect(statuses).toEqual([200, 302, 304]); // HEAD gets 200: an address is signed for GET only.
      expect(before).toBe(0);
      expect([square.status, await countViews(person)]).toEqual([200, 1]);
    });

    it("answers 404 when the picture is deleted while its address is signed or its size is read", async () => {
      const { storage } = app.app;
      const sign = storage.sign.bind(storage);
      vi.spyOn(storage, "sign").mockImplementation(async (...of) => {
        await app.graphql(DELETE, {}, person.token);
        return sign(...of);
      });
      const signed = await get();
      vi.restoreAllMocks();
      const { data } = await app.upload({ bytes }, person.token);
      const stat = storage.stat.bind(storage);
      vi.spyOn(storage, "stat").mockImplementation(async (key) => {
        await app.graphql(DELETE, {}, person.token);
        return stat(key);
      });
      const url = `${app.baseUrl}/api/users/media/${data.uploadProfilePicture.media.id}`;
      const head = await fetch(url, { method: "HEAD" });
      vi.restoreAllMocks();

      expect([signed.status, head.status]).toEqual([404, 404]);
    });

    it("knows the origin of the bucket while pictures move to it or away from it", async () => {
      const bucket = `http://127.0.0.1:${store.port}`;
      const { storage } = app.app;
      const older = new LocalStorage("/nowhere");

      expect(await storage.findOrigins()).toEqual([bucket]);
      expect(await new MovingStorage(storage, older).findOrigins()).toEqual([bucket]);
      expect(await new MovingStorage(older, storage).findOrigins()).toEqual([bucket]);
      expect(await new MovingStorage(storage, storage).findOrigins()).toEqual([bucket]);
    });

    it("answers 404 once the picture is deleted", async () => {
      await app.graphql(DELETE, {}, person.token);

      expect((await get()).status).toBe(404);
    });
  });
});
