// Cached pictures are answered like all others. A deleted picture is no longer shown: at once by the process that
// deleted it, within two seconds by every other process.
import { readdir } from "node:fs/promises";
import net from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ObjectCache } from "../../src/storage/object-cache.ts";
import { CachedStorage } from "../../src/storage/cached-storage.ts";
import type { ObjectStorage } from "../../src/storage/object-storage.ts";
import { Changes } from "../../src/services/changes.ts";
import { MediaCache } from "../../src/services/media-cache.ts";
import { Random } from "../fuzz/random.ts";
import { findingsOf } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

let app: TestApp;
let mediaId: string;
let token: string;
beforeEach(async () => {
  app = await TestApp.start();
  ({ mediaId, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg()));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.stop();
});

const media = () => app.app.database.media;

describe("a picture that is requested again", () => {
  it.each(["", "?thumbnail=true"])(
    "costs neither a query nor a storage read, and has the same headers and bytes: %j",
    async (query) => {
      const [first, firstBytes] = await readPicture(query);
      const findById = vi.spyOn(media(), "findById");
      const read = vi.spyOn(app.app.storage, "read");

      const [second, secondBytes] = await readPicture(query);

      expect(secondBytes.equals(firstBytes)).toBe(true);
      expect(headersOf(second)).toEqual(headersOf(first));
      expect(findById).not.toHaveBeenCalled();
      expect(read).not.toHaveBeenCalled();
    },
  );

  it("answers conditions, ranges, HEAD and POST with the right status", async () => {
    const requests: [Record<string, string>, string][] = [
      [{ "if-none-match": (await readPicture(""))[0].headers.get("etag")! }, "GET"],
      [{ "if-none-match": '"another"' }, "GET"],
      [{ "if-modified-since": new Date().toUTCString() }, "GET"],
      [{ range: "bytes=1-5" }, "GET"],
      [{ range: "bytes=999999-" }, "GET"],
      [{ "if-match": '"another"' }, "GET"],
      [{}, "HEAD"],
      [{}, "POST"],
    ];

    const statuses = await Promise.all(
      requests.map(async ([headers, method]) => (await app.picture(mediaId, "", headers, method)).status),
    );

    expect(statuses).toEqual([304, 200, 304, 206, 416, 412, 200, 405]);
  });

  it("counts a view for each 200, and none for a 304", async () => {
    const [{ headers }] = await readPicture("");
    for (let view = 0; view < 3; view++) await readPicture("");
    await app.picture(mediaId, "", { "if-none-match": headers.get("etag")! });

    const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);

    expect(data.media.viewCount).toBe(4);
  });

  it("is neither sent, counted nor cached while its file on the disk is truncated", async () => {
    const { mediaId, token } = await app.givenPersonWithPicture(await sampleImages.palettePng());
    const { objectKey } = (await media().findById(mediaId))!;
    const whole = (await app.app.storage.read(objectKey))!;
    const answer = async (query = "", method = "GET") => {
      const response = await app.picture(mediaId, query, {}, method);
      return [response.status, (await response.arrayBuffer()).byteLength];
    };
    await app.app.storage.put(objectKey, whole.subarray(0, -10));
    const damaged = [await answer(), await answer(), await answer("?w=96"), await answer("", "HEAD")];
    const found = (await findingsOf(app.app)).map(({ kind, subject }) => [kind, subject]);
    await app.app.storage.put(objectKey, whole);
    const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);

    expect(damaged.map(([status]) => status)).toEqual([503, 503, 503, 503]);
    expect(found).toEqual([["unreadable-original", mediaId]]);
    expect(data.media.viewCount).toBe(0);
    expect(await answer()).toEqual([200, whole.length]);
  });

  it("answers 404 as soon as its deletion is confirmed", async () => {
    await readPicture("");
    await app.graphql(DELETE, {}, token);

    const [after] = await readPicture("");
    const [thumbnail] = await readPicture("?thumbnail=true");

    expect([after.status, thumbnail.status]).toEqual([404, 404]);
  });

  it.each([
    ["one", "findById", (known: MediaCache) => known.find(mediaId)],
    ["many", "findManyByIds", (known: MediaCache) => known.read([mediaId])],
  ] as const)(
    "is not cached when it is deleted while its record is read: %s",
    async (_what, method, read) => {
      const { mediaCache: known } = app.app;
      known.forget(mediaId);
      const realMethod = media()[method].bind(media()) as (what: never) => Promise<never>;
      vi.spyOn(media(), method).mockImplementationOnce(async (what: unknown) => {
        const found = await realMethod(what as never);
        await app.graphql(DELETE, {}, token);
        return found;
      });
      await read(known);

      expect(known.peek(mediaId)).toBeUndefined();
    },
  );

  it("is counted in the metrics", async () => {
    for (let view = 0; view < 2; view++) await readPicture("");

    const metrics = await (await app.fetch("/metrics")).text();

    expect(metrics).toContain('pictures_from_memory_total{status="200"} 1');
  });
});

describe("a picture that is deleted while its bytes are read", () => {
  it.each([
    ["the original, with a cached record", "", true],
    ["the original, without a cached record", "", false],
    ["the thumbnail, with a cached record", "?thumbnail=true", true],
    ["the thumbnail, without a cached record", "?thumbnail=true", false],
  ])("answers 404, which caches must not store: %s", async (_what, query, isKnown) => {
    if (isKnown) await app.app.mediaCache.find(mediaId);
    const { storage } = app.app;
    const deleting = async <Bytes>(bytes: Promise<Bytes>) => {
      await bytes;
      await app.graphql(DELETE, {}, token);
      return bytes;
    };
    const [read, lend] = [storage.read.bind(storage), storage.lend.bind(storage)];
    vi.spyOn(storage, "read").mockImplementation((key) => deleting(read(key)));
    vi.spyOn(storage, "lend").mockImplementation((key, sizeBytes) => deleting(lend(key, sizeBytes)));

    const [{ status, headers }] = await readPicture(query);

    expect([status, headers.get("cache-control")]).toEqual([404, "no-store"]);
  });
});

describe("a picture that another process deletes", () => {
  it("answers 404 within two seconds, even if the other process's clock is wrong", async () => {
    await readPicture("");
    const hidden = { is_deleted: true, deleted_at: new Date(0) };
    await app.mediaCollection.updateOne({}, { $set: hidden, $currentDate: { changed_at: true } });

    await expect.poll(async () => (await readPicture(""))[0].status, { timeout: 2_000 }).toBe(404);
  });

  it("answers 404 and loses its squares when the change feed has missed the removal of its record", async () => {
    await readPicture("");
    await readPicture("?size=96&format=webp");
    const keptSquares = () => readdir(app.config.media.renditionDir);
    expect(await keptSquares()).toEqual([mediaId]);
    const looking = vi.spyOn(media(), "readClock").mockRejectedValue(new Error("the database is away"));
    await expect.poll(() => app.app.changeFeed.isUpToDate, { timeout: 5_000 }).toBe(false);
    await app.mediaCollection.deleteMany({});
    looking.mockRestore();
    await expect.poll(() => app.app.changeFeed.isUpToDate, { timeout: 5_000 }).toBe(true);

    expect((await readPicture(""))[0].status).toBe(404);
    await expect.poll(keptSquares).toEqual([]);
  });

  it("is neither shown nor cached from a read that began more than two seconds ago", async () => {
    app.app.mediaCache.forget(mediaId);
    const find = media().findById.bind(media());
    let answer: (() => void) | undefined;
    vi.spyOn(media(), "findById").mockImplementationOnce(async (id) => {
      const found = await find(id);
      await new Promise<void>((resolve) => (answer = resolve));
      return found;
    });
    const first = app.app.mediaCache.find(mediaId);
    await expect.poll(() => answer).toBeDefined();
    await app.mediaCollection.updateOne({}, { $set: { is_deleted: true } });
    await setTimeout(2_100);
    const second = await app.app.mediaCache.find(mediaId);
    answer!();

    expect(second).toBeNull();
    expect(await first).not.toBeNull();
    expect(app.app.mediaCache.peek(mediaId)).toBeUndefined();
  }, 10_000);

  it("without setting changed_at is dropped from memory by the next review", async () => {
    const log = app.app.server.log;
    vi.useFakeTimers({ toFake: ["setInterval"] });
    const changes = new Changes();
    const known = new MediaCache(media(), app.app.changeFeed, changes, log);
    changes.on("hiddenPictureFound", (id) => known.forget(id));
    known.start();
    await known.find(mediaId);
    await app.mediaCollection.updateOne({}, { $set: { is_deleted: true } });

    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();

    await expect.poll(() => known.peek(mediaId)).toBeUndefined();
    known.close();
  });
});

describe("objects in memory", () => {
  const slowStorage = () => {
    const reads: ((bytes: Buffer | null) => void)[] = [];
    const storage = { read: () => new Promise((resolve) => reads.push(resolve)), delete: async () => {} };
    return { reads, hot: new CachedStorage(storage as unknown as ObjectStorage, new ObjectCache(1000)) };
  };

  it("are read once for concurrent requests", async () => {
    const { reads, hot } = slowStorage();
    const all = [hot.read("a.jpg"), hot.read("a.jpg"), hot.read("a.jpg")];
    reads[0]!(Buffer.from("bytes"));

    expect((await Promise.all(all)).map(String)).toEqual(["bytes", "bytes", "bytes"]);
    expect(reads).toHaveLength(1);
    expect(String(hot.hot.peek("a.jpg"))).toBe("bytes");
  });

  it("are not kept when they are deleted during the read", async () => {
    const { reads, hot } = slowStorage();
    const reading = hot.read("a.jpg");
    await hot.delete("a.jpg");
    reads[0]!(Buffer.from("bytes"));
    await reading;

    expect(hot.hot.peek("a.jpg")).toBeUndefined();
  });
});

describe("originals that are not in memory", () => {
  it("are sent completely to slow clients while other clients disconnect", async () => {
    await app.stop();
    app = await TestApp.start({ MEDIA_MEMORY_MB: "0" });
    const originals: { id: string; bytes: Buffer }[] = [];
    for (let side = 700; side < 704; side++) {
      const { mediaId: id } = await app.givenPersonWithPicture(await sampleImages.noiseJpeg(side));
      originals.push({ id, bytes: Buffer.from(await (await app.picture(id)).arrayBuffer()) });
    }
    const random = new Random(7);
    // The answers exceed the socket buffers, so most of their bytes wait in the service.
    const readMany = async () => {
      const wanted = Array.from({ length: 20 }, () => random.pick(originals));
      const socket = net.connect(Number(new URL(app.baseUrl).port), "127.0.0.1");
      for (const [i, { id }] of wanted.entries()) {
        const connection = i === wanted.length - 1 ? "close" : "keep-alive";
        socket.write(`GET /api/users/media/${id} HTTP/1.1\r\nhost: a\r\nconnection: ${connection}\r\n\r\n`);
      }
      await setTimeout(random.below(300));
      if (random.chance(30)) return void socket.destroy();
      let received = await buffer(socket);
      for (const { bytes } of wanted) {
        const bodyAt = received.indexOf("\r\n\r\n") + 4;
        expect(received.subarray(bodyAt, bodyAt + bytes.length).equals(bytes)).toBe(true);
        received = received.subarray(bodyAt + bytes.length);
      }
      expect(received).toHaveLength(0);
    };

    await Promise.all(Array.from({ length: 20 }, readMany));
  });

  it("return their memory when a client with many pipelined requests disconnects", async () => {
    await app.stop();
    app = await TestApp.start({ MEDIA_MEMORY_MB: "0" });
    const person = await app.givenPersonWithPicture(await sampleImages.noiseJpeg(700));
    await (await app.picture(person.mediaId)).arrayBuffer();
    const request = `GET /api/users/media/${person.mediaId} HTTP/1.1\r\nhost: a\r\n\r\n`;
    const socket = net.connect(Number(new URL(app.baseUrl).port), "127.0.0.1");
    socket.on("error", () => {}).write(request.repeat(70));
    await setTimeout(100);
    socket.resetAndDestroy();
    const { objectKey, fileSizeBytes } = (await media().findById(person.mediaId))!;
    /** True when all memory for lending is free. For memory that is in use, `lend` returns a buffer of the exact size. */
    const isAllFree = async () => {
      const lent = await Promise.all(
        Array.from({ length: 64 }, () => app.app.storage.lend(objectKey, fileSizeBytes)),
      );
      for (const one of lent) one!.giveBack(true);
      return lent.every((one) => one!.bytes.buffer.byteLength > one!.bytes.length);
    };

    await expect.poll(isAllFree).toBe(true);
  });
});

async function readPicture(query: string): Promise<[Response, Buffer]> {
  const response = await app.picture(mediaId, query);
  return [response, Buffer.from(await response.arrayBuffer())];
}

function headersOf({ headers }: Response): object {
  return Object.fromEntries([...headers].filter(([name]) => name !== "date" && name !== "x-request-id"));
}
