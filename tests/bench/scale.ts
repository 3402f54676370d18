// Measures how long queries and uploads take with different numbers of records, and how much room the records take:
//   npm run bench:scale -- --records 10000,100000,1000000
//   npm run bench:scale -- --records 100000 --shared

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { mongo } from "mongoose";

import { AccessTokens } from "../../src/auth/access-token.ts";
import { Database, type DatabaseLocation } from "../../src/database/connection.ts";
import { upload, view } from "../cluster/world.ts";
import { insertRecords, type Sample } from "../support/records.ts";
import { ServerProcess } from "../support/server-process.ts";
import { startTestDatabase, withDatabase } from "../support/test-database.ts";
import { makePhoto } from "./world.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "10000,100000" },
    /** Measures a database server that several processes can share, instead of the embedded database. */
    shared: { type: "boolean", default: false },
  },
});

const QUERY_ROUNDS = 200;
const UPLOAD_ROUNDS = 40;
const secret = "a secret of the measurement, long enough";

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-scale-"));
const second = options.shared ? await startTestDatabase() : null;
const location: DatabaseLocation = second
  ? { kind: "mongodb", uri: withDatabase(second.uri, "scale") }
  : { kind: "embedded", file: path.join(folder, "database", "letsapp.sqlite") };
const server = await ServerProcess.start({
  INSTANCE_DIR: folder,
  JWT_SECRET: secret,
  UPLOADS_PER_MINUTE: "1000000",
  ...(location.kind === "mongodb" && { MONGODB_URI: location.uri }),
});
const database = await Database.openBeside(location);
const { original: picture } = await makePhoto();

const counts = options.records.split(",").map(Number);
const columns: { count: number; times: Map<string, string>; sizes: Map<string, string> }[] = [];
const sample: Sample = { userIds: [], mediaIds: [] };
let inserted = 0;
for (const count of counts) {
  const more = await insertRecords(database.connection, count - inserted);
  sample.userIds.push(...more.userIds);
  sample.mediaIds.push(...more.mediaIds);
  inserted = count;
  columns.push({ count, times: await measureTimes(), sizes: await measureSizes() });
  console.error(`${count} records measured`);
}
console.log(`Node ${process.version}, ${second ? "DocumentDB" : "the embedded database"}\n`);
print("milliseconds, median / 95 %", (column) => column.times);
print("room", (column) => column.sizes);
if (second) await database.connection.dropDatabase();
await database.close();
await server.stop();
await second?.stop();
await rm(folder, { recursive: true });

async function measureTimes(): Promise<Map<string, string>> {
  const { users, media, upkeep, viewCounts } = database;
  const anyUser = () => pick(sample.userIds);
  const anyMedia = () => pick(sample.mediaIds);
  const hundred = (one: () => string) => Array.from({ length: 100 }, one);
  let batch = 0;
  const queries: Record<string, () => Promise<unknown>> = {
    "a picture by its id": () => media.findById(anyMedia()),
    "100 pictures by their ids": () => media.findManyByIds(hundred(anyMedia)),
    "100 users by their ids": () => users.findManyByIds(hundred(anyUser)),
    "a page of 100 users": () => users.findPage({ maxCount: 100, afterId: anyUser() }),
    "a user by name": () => users.findCredentials({ username: `person-${anyUser()}` }),
    "all pictures of a user": () => upkeep.examineUploads(anyUser()),
    "changes of the last ten seconds": () => media.findChangedSince(new Date(Date.now() - 10_000)),
    "changes that were interrupted": () => upkeep.findUnsettled(new Date(Date.now() - 3_600_000), 100, 0),
    "pictures past the retention time": () => upkeep.findRetired(new Date(0), 100, 0),
    "adding views of 100 pictures": () =>
      viewCounts.add(new Map(hundred(anyMedia).map((id) => [id, 3])), { writer: "scale", number: ++batch }),
  };
  const times = new Map<string, string>();
  for (const [name, query] of Object.entries(queries)) times.set(name, await timed(query, QUERY_ROUNDS));
  const tokens = new AccessTokens({ kind: "shared-secret", secret }, 0);
  const uploaders = sample.userIds.toSorted(() => Math.random() - 0.5); // Each user uploads only once.
  const uploaded: string[] = [];
  const uploadOne = async () => {
    const userId = uploaders.pop()!;
    const { code, mediaId } = await upload(
      server.url,
      { userId, token: await tokens.issue(userId) },
      picture,
    );
    if (!mediaId) throw new Error(`an upload was answered ${code}`);
    uploaded.push(mediaId);
  };
  const squareOne = async () => {
    const status = await view(server.url, uploaded.pop()!, "?size=96&format=webp");
    if (status !== 200) throw new Error(`a square was answered ${status}`);
  };
  times.set(
    `an upload of ${Math.round(picture.length / 1000)} kB by HTTP, one at a time`,
    await timed(uploadOne, UPLOAD_ROUNDS),
  );
  times.set("a square of it as WebP, for the first time", await timed(squareOne, UPLOAD_ROUNDS));
  return times;
}

async function timed(work: () => Promise<unknown>, rounds: number): Promise<string> {
  const times: number[] = [];
  for (let round = -5; round < rounds; round++) {
    const startedAtMs = performance.now();
    await work();
    if (round >= 0) times.push(performance.now() - startedAtMs);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(1);
  return `${at(0.5)} / ${at(0.95)}`;
}

async function measureSizes(): Promise<Map<string, string>> {
  const sizes = new Map<string, string>();
  for (const name of ["users", "media"]) {
    const collection = database.connection.collection(name);
    const some = await collection.find().limit(1_000).toArray();
    const bytes = some.reduce((sum, one) => sum + mongo.BSON.calculateObjectSize(one), 0) / some.length;
    sizes.set(`a record of ${name} as BSON, bytes`, bytes.toFixed(0));
    if (location.kind === "embedded") continue;
    const stats = await database.connection.db!.command({ collStats: name });
    sizes.set(`${name}: data, MB`, (Number(stats.storageSize ?? stats.size) / 1e6).toFixed(1));
    sizes.set(`${name}: indexes, MB`, (Number(stats.totalIndexSize) / 1e6).toFixed(1));
  }
  if (location.kind === "embedded") {
    const { size } = await stat(location.file);
    sizes.set("the file of users and media, with indexes, MB", (size / 1e6).toFixed(1));
  }
  return sizes;
}

function print(title: string, rowsOf: (column: (typeof columns)[number]) => Map<string, string>): void {
  console.log(
    `| ${title} | ${columns.map(({ count }) => `${count.toLocaleString("en")} users`).join(" | ")} |`,
  );
  console.log(`| --- |${columns.map(() => " ---: |").join("")}`);
  for (const name of rowsOf(columns[0]!).keys())
    console.log(`| ${name} | ${columns.map((column) => rowsOf(column).get(name)).join(" | ")} |`);
  console.log();
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)]!;
}
