// Every query of the service is served by an index, and a missing index is created or reported at the start.
import type { mongo } from "mongoose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../../src/app.ts";
import { erasePictures } from "../../src/operations/erasure.ts";
import { findMissingIndexes, nameOf, wantedIndexes } from "../../src/database/indexes.ts";
import { RenditionFolder } from "../../src/storage/rendition-folder.ts";
import { secondDatabaseUri } from "../support/database.ts";
import { insertRateLimits, insertRecords } from "../support/records.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

const RECORD_COUNT = 100_000;

/**
 * PostgreSQL, on which DocumentDB is built, collects statistics once a minute. If a collection was empty at that time,
 * the planner assumes until the next time that it is small, and prefers a full scan to an index.
 */
const STATISTICS_MS = 120_000;

interface Query {
  collection: string;
  filter: mongo.BSON.Document;
  sort: Record<string, 1 | -1>;
  /** In documents; 0 for no limit. The query plan may depend on it. */
  limit: number;
}

let app: TestApp;

beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000", MEDIA_RETENTION_DAYS: "400" });
  await insertRateLimits(app.app.database.connection, RECORD_COUNT);
  await insertRecords(app.app.database.connection, RECORD_COUNT);
}, 180_000);
afterAll(() => app.stop(), 180_000);

/** The queries that `work` causes, one for each shape: collection, fields of the filter, sort and limit. */
async function queriesOf(work: () => Promise<unknown>): Promise<Query[]> {
  const queries = new Map<string, Query>();
  const add = (query: Query) =>
    queries.set(JSON.stringify({ ...query, filter: shapeOf(query.filter) }), query);
  app.app.database.connection.set("debug", (collection: string, method: string, first: any, options: any) => {
    if (method.startsWith("insert") || method === "estimatedDocumentCount") return;
    const sort = options?.sort ?? {};
    const limit = method.includes("One") ? 1 : (options?.limit ?? 0);
    const filters = method === "bulkWrite" ? first.map((write: any) => write.updateOne.filter) : [first];
    for (const filter of filters) add({ collection, filter, sort, limit });
  });
  await work();
  app.app.database.connection.set("debug", false);
  return [...queries.values()];
}

/** A filter without its values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf).slice(0, 1);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return 0;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}

/** The indexes in the database's own plan of a query; "none" stands for a full scan. */
async function indexesOf({ collection, filter, sort, limit }: Query): Promise<string[]> {
  const explained: unknown = await app.app.database.connection
    .collection(collection)
    .find(filter)
    .sort(sort)
    .limit(limit)
    .explain("queryPlanner");
  const found = new Set<string>();
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    for (const [name, value] of Object.entries(part)) {
      if (["indexName", "Index Name"].includes(name)) found.add(String(value));
      if (value === "COLLSCAN" || value === "Seq Scan") found.add("none");
      // `IndexCosts` also names indexes that the planner considered and rejected.
      if (!["IndexCosts", "command"].includes(name)) walk(value);
    }
  };
  walk(explained);
  return [...found];
}

/** True when indexes narrow the query. The index on `_id` does so only if the filter or the sort has `_id`. */
function isServed({ filter, sort }: Query, indexes: string[]): boolean {
  if (indexes.length === 0 || indexes.includes("none")) return false;
  return indexes.every((name) => !name.startsWith("_id") || "_id" in filter || "_id" in sort);
}

describe(`with ${RECORD_COUNT} records`, () => {
  it("every query of the service is served by an index", async () => {
    const { profilePictures, cleanup, database, lifecycle, storage, mediaCache } = app.app;
    const bytes = await sampleImages.onePixelPng();
    const queries = await queriesOf(async () => {
      await app.graphql(
        `mutation { register(input: { username: "grace", email: "grace@example.com", password: "amazing grace" }) { token } }`,
      );
      await app.graphql(
        `mutation { login(input: { login: "grace@example.com", password: "amazing grace" }) { token } }`,
      );
      await app.graphql(`mutation { login(input: { login: "grace", password: "amazing grace" }) { token } }`);
      const { user, token, mediaId } = await app.givenPersonWithPicture(bytes);
      await app.upload({ bytes }, token);
      mediaCache.forget(mediaId);
      const { data } = await app.graphql("{ me { profilePicture { id viewCount } } }", {}, token);
      const current = data.me.profilePicture.id as string;
      await (await app.picture(current)).arrayBuffer();
      await (await app.fetch(`/api/users/${user.id}/profile-picture`)).arrayBuffer();
      await app.app.views.flush();
      const list =
        "{ users(first: 100) { pageInfo { endCursor } edges { node { profilePicture { id viewCount uploader { id } } } } } }";
      const page = await app.graphql(list, {}, token);
      await app.graphql(list.replace("100", `50, after: "${page.data.users.pageInfo.endCursor}"`), {}, token);
      await app.graphql(`{ media(id: "${current}") { viewCount } user(id: "${user.id}") { id } }`, {}, token);
      await app.graphql(DELETE, {}, token);
      await app.graphql(DELETE, {}, token); // Without a picture, a deletion runs other queries.
      await app.graphql(`mutation { restoreProfilePicture(mediaId: "${current}") { success } }`, {}, token);
      await profilePictures.media.findChangedSince(new Date());
      await cleanup.run();
      await database.upkeep.isBeingReplaced(current, new Date(0));
      for await (const _page of database.upkeep.examineAll(10)) continue;
      await database.users.findPointers(user.id, 10);
      await erasePictures(user.id, database, lifecycle, storage, new RenditionFolder(app.folder, 1000));
    });

    const unserved = async () => {
      const found: unknown[] = [];
      for (const query of queries) {
        const indexes = await indexesOf(query);
        if (!isServed(query, indexes)) found.push({ ...query, indexes });
      }
      return found;
    };

    expect(queries.length).toBeGreaterThan(20);
    await expect.poll(unserved, { timeout: STATISTICS_MS, interval: 2_000 }).toEqual([]);
  }, 180_000);

  it("a query without an index is detected", async () => {
    const query: Query = { collection: "media", filter: { etag: "none" }, sort: {}, limit: 1 };

    expect(isServed(query, await indexesOf(query))).toBe(false);
  });
});

describe("a missing index", () => {
  const drop = (name: string) => app.mediaCollection.dropIndex(name);
  const missing = async () => {
    const { connection } = app.app.database;
    return (await findMissingIndexes(connection, wantedIndexes(connection, true))).map(nameOf);
  };

  it.skipIf(!secondDatabaseUri())(
    "of a large collection is named in an error, and the service does not start",
    async () => {
      await drop("changed_at_1");

      await expect(createApp(app.config)).rejects.toThrow(
        /^MONGODB_URI: the database lacks indexes: media\.changed_at\. .*npm run indexes/,
      );
      expect(await missing()).toEqual(["media.changed_at"]);
    },
  );

  it.skipIf(!secondDatabaseUri())("of a small collection is created when the service starts", async () => {
    const { connection } = app.app.database;
    await app.mediaCollection.deleteMany({});
    await createApp(app.config).then((other) => other.stop());

    expect(await missing()).toEqual([]);
    expect(connection.readyState).toBe(1);
  });

  it.skipIf(!secondDatabaseUri())(
    "is named in an error when an index with other options takes its place",
    async () => {
      await app.usersCollection.dropIndex("username_1");
      await app.usersCollection.createIndex(
        { username: 1 },
        { unique: true, partialFilterExpression: { is_active: true } },
      );
      await app.usersCollection.deleteMany({});

      const start = createApp(app.config);

      await expect(start).rejects.toThrow(
        /the database has an index that conflicts with users\.username\. Drop it, then run npm run indexes\./,
      );
    },
  );
});
