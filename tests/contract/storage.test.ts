// The contract that the services expect of every storage: local, in a bucket, or moving from one to another.
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { createStorage } from "../../src/storage/create-storage.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import { MovingStorage } from "../../src/storage/moving-storage.ts";
import type { ObjectStorage } from "../../src/storage/object-storage.ts";
import { isInstalled, ObjectStore } from "../support/object-stores.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-storage-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bucketKinds = ["s3", "gcs"] as const;
for (const kind of bucketKinds) {
  if (!isInstalled(kind))
    console.log(`Skipped on ${kind}: tests/object-stores/install.sh has installed none.`);
}
const stores: Partial<Record<(typeof bucketKinds)[number], ObjectStore>> = {};
beforeAll(async () => {
  for (const kind of bucketKinds) if (isInstalled(kind)) stores[kind] = await ObjectStore.start(kind);
});
afterAll(async () => {
  for (const store of Object.values(stores)) await store.stop();
});

/** Each call creates an empty storage. A storage in a bucket gets its own prefix. */
const local = async (): Promise<ObjectStorage> => new LocalStorage(path.join(folder, "pictures"));
const moving = async () =>
  new MovingStorage(
    new LocalStorage(path.join(folder, "pictures")),
    new LocalStorage(path.join(folder, "older pictures")),
  );
const inBucket = (kind: (typeof bucketKinds)[number]) => () =>
  createStorage(stores[kind]!.config(`${path.basename(folder)}/`));

describe.each([
  { kind: "local", isThere: true, create: local },
  { kind: "moving", isThere: true, create: moving },
  ...bucketKinds.map((kind) => ({ kind, isThere: isInstalled(kind), create: inBucket(kind) })),
])("$kind storage", ({ isThere, create }) => {
  beforeEach((context) => context.skip(!isThere));
  it("returns the bytes that were stored", async () => {
    const storage = await create();
    const bytes = Buffer.from([0, 255, 1, 254]);

    await storage.put("a1.jpg", bytes);

    expect(await storage.read("a1.jpg")).toEqual(bytes);
    expect(await storage.stat("a1.jpg")).toEqual({ sizeBytes: 4 });
  });

  it("lends and reads an object only if it has the expected size, or if no size is expected", async () => {
    const storage = await create();
    await storage.put("a1.jpg", Buffer.from("bytes"));

    for (const sizeBytes of [5, null]) {
      const lent = await storage.lend("a1.jpg", sizeBytes);
      expect(String(lent!.bytes)).toBe("bytes");
      lent!.giveBack(true);
      expect(String(await storage.read("a1.jpg", sizeBytes))).toBe("bytes");
    }
    for (const sizeBytes of [0, 4, 6, 2_000_000]) {
      await expect(storage.lend("a1.jpg", sizeBytes)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      await expect(storage.read("a1.jpg", sizeBytes)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    }
    expect([await storage.lend("none.jpg", 5), await storage.read("none.jpg", 5)]).toEqual([null, null]);
  });

  it("reuses lent memory only after it is given back as done", async () => {
    const storage = await create();
    for (const name of "abcde") await storage.put(`${name}1.jpg`, Buffer.from(name.repeat(3)));
    const lend = async (name: string) => (await storage.lend(`${name}1.jpg`, 3))!;
    const [a, b] = [await lend("a"), await lend("b")];
    b.giveBack(false);
    const c = await lend("c");
    c.giveBack(true);
    c.giveBack(true); // The second call has no effect.

    const [d, e] = [await lend("d"), await lend("e")];

    expect([a, b, d, e].map(({ bytes }) => String(bytes))).toEqual(["aaa", "bbb", "ddd", "eee"]);
  });

  it("lends an object 200 times at once", async () => {
    const storage = await create();
    await storage.put("a1.jpg", Buffer.from("bytes"));

    const lent = await Promise.all(Array.from({ length: 200 }, () => storage.lend("a1.jpg", 5)));

    expect(lent.map((one) => String(one?.bytes))).toEqual(Array.from({ length: 200 }, () => "bytes"));
  });

  it("replaces an object under the same key", async () => {
    const storage = await create();

    await storage.put("a1.jpg", Buffer.from("first"));
    await storage.put("a1.jpg", Buffer.from("second"));

    expect(String(await storage.read("a1.jpg"))).toBe("second");
  });

  it("returns null for an object that does not exist", async () => {
    const storage = await create();

    expect(await storage.read("none.jpg")).toBeNull();
    expect(await storage.stat("none.jpg")).toBeNull();
  });

  it("lists the objects that were stored", async () => {
    const storage = await create();
    await storage.put("a1.jpg", Buffer.from("four"));
    await storage.put("thumb_a1.jpg", Buffer.from("two"));
    const listed = [];
    for await (const object of storage.list()) listed.push(object);

    expect(listed.toSorted((a, b) => a.objectKey.localeCompare(b.objectKey))).toMatchObject([
      { objectKey: "a1.jpg", sizeBytes: 4 },
      { objectKey: "thumb_a1.jpg", sizeBytes: 3 },
    ]);
    expect(listed.every(({ modifiedAt }) => Math.abs(modifiedAt.getTime() - Date.now()) < 60_000)).toBe(true);
  });

  it("lists more objects than fit into one page", async () => {
    const storage = await create();
    const keys = Array.from({ length: 1_100 }, (_, i) => `${1000 + i}.jpg`);
    for (let i = 0; i < keys.length; i += 100) {
      await Promise.all(keys.slice(i, i + 100).map((key) => storage.put(key, Buffer.from(key))));
    }
    const listed = [];
    for await (const { objectKey, sizeBytes } of storage.list()) listed.push([objectKey, sizeBytes]);

    expect(listed.toSorted()).toEqual(keys.map((key) => [key, 8]).toSorted());
  });

  it("keeps bytes of any kind and size", async () => {
    const storage = await create();
    for (const bytes of [Buffer.alloc(0), randomBytes(1), randomBytes(819_200)]) {
      await storage.put("a1.png", bytes);
      expect((await storage.read("a1.png"))!.equals(bytes)).toBe(true);
    }
  });

  it("lists nothing when it is empty", async () => {
    const listed = [];
    for await (const object of (await create()).list()) listed.push(object);

    expect(listed).toEqual([]);
  });

  it("deletes an object, and does not fail when it does not exist", async () => {
    const storage = await create();
    await storage.put("a1.jpg", Buffer.from("bytes"));

    await storage.delete("a1.jpg");
    await storage.delete("a1.jpg");

    expect(await storage.read("a1.jpg")).toBeNull();
  });

  it("passes the check that it can be written, and keeps no object of it", async () => {
    const storage = await create();

    await Promise.all(Array.from({ length: 20 }, () => storage.check()));

    const listed = [];
    for await (const object of storage.list()) listed.push(object);

    expect(listed).toEqual([]);
  });

  it.each(["../escape.jpg", "a/b.jpg", ".hidden", "", "a\0b", "a\\b"])(
    "stores nothing under a key such as %j, and finds nothing there",
    async (key) => {
      const storage = await create();

      await expect(storage.put(key, Buffer.from("x"))).rejects.toThrow("not an object key");
      await storage.delete(key);
      expect([await storage.read(key), await storage.lend(key, 1), await storage.stat(key)]).toEqual([
        null,
        null,
        null,
      ]);
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

describe("local storage", () => {
  it("hides its files from other users of the machine, and leaves no unfinished file", async () => {
    const storage = new LocalStorage(path.join(folder, "pictures"));

    await storage.put("a1.jpg", Buffer.from("bytes"));

    expect(await readdir(path.join(folder, "pictures"))).toEqual(["a1.jpg"]);
    expect((await stat(path.join(folder, "pictures"))).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(folder, "pictures", "a1.jpg"))).mode & 0o777).toBe(0o600);
  });

  it("throws STORAGE_UNAVAILABLE when its folder cannot be created", async () => {
    await writeFile(path.join(folder, "pictures"), "a file in the way");
    const storage = new LocalStorage(path.join(folder, "pictures"));

    await expect(storage.put("a1.jpg", Buffer.from("x"))).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    });
    await expect(storage.check()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  });
});
