// Checks the clean-up when several processes begin it at the same moment.
import { randomBytes } from "node:crypto";

import { thumbnailKeyOf } from "../../src/domain/media.ts";
import type { Check } from "./check.ts";
import { sleep, type Cluster } from "./world.ts";

const HOUR_MS = 60 * 60 * 1000;
const RESULTS = ["abandoned", "removed", "settled", "failed"] as const;

export async function cleanUpTogether(cluster: Cluster, count: number): Promise<Check> {
  await cluster.stopAll(); // A waiting clean-up could otherwise begin while the records are half prepared.
  const keys = [...(await givenAbandoned(cluster, count)), ...(await givenRetired(cluster, count))];
  await cluster.startAll(); // Each process begins with a clean-up.
  const totals = () =>
    Promise.all(
      cluster.nodes.map((node) =>
        Promise.all(RESULTS.map((result) => node.metric(`cleanup_media_total{result="${result}"}`))),
      ),
    );
  let byNode = await totals();
  for (let tries = 0; tries < 100 && sumOf(byNode.flat()) < 2 * count; tries++) {
    await sleep(200);
    byNode = await totals();
  }
  await sleep(1_000); // Time in which another process could repeat the work.
  byNode = await totals();

  const violations: string[] = [];
  const [abandoned, removed, settled, failed] = RESULTS.map((_, i) => sumOf(byNode.map((node) => node[i]!)));
  if (abandoned !== count || removed !== count)
    violations.push(`${abandoned} and ${removed} were removed of ${count} each`);
  if (settled !== 0 || failed !== 0) violations.push(`${settled} were settled, ${failed} failed`);
  const left = await Promise.all(keys.map((key) => cluster.storage.stat(key)));
  const leftCount = left.filter((stat) => stat !== null).length;
  if (leftCount > 0) violations.push(`${leftCount} objects are still there`);
  return {
    title: `All processes clean up ${count} abandoned uploads and ${count} deleted pictures at once: each is removed once`,
    rows: [
      ["process", ...RESULTS],
      ...byNode.map((node, i) => [i + 1, ...node]),
      ["all", abandoned!, removed!, settled!, failed!],
    ],
    violations,
  };
}

/** Inserts uploads that a process began two hours ago and did not finish. */
function givenAbandoned(cluster: Cluster, count: number): Promise<string[]> {
  return givenRecords(cluster, count, { unsettled_since: new Date(Date.now() - 2 * HOUR_MS) });
}

/** Inserts pictures that were deleted 40 days ago. */
function givenRetired(cluster: Cluster, count: number): Promise<string[]> {
  return givenRecords(cluster, count, {
    status: "ready",
    is_deleted: true,
    deleted_at: new Date(Date.now() - 40 * 24 * HOUR_MS),
  });
}

/** Inserts records with objects. @returns the object keys */
async function givenRecords(cluster: Cluster, count: number, fields: object): Promise<string[]> {
  const { database, storage } = cluster;
  const { userId } = await cluster.givenPerson();
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    const objectKey = `${randomBytes(16).toString("hex")}.png`;
    const media = await database.media.insertPending({
      objectKey,
      originalFilename: "picture.png",
      fileSizeBytes: 4,
      contentType: "image/png",
      width: 1,
      height: 1,
      uploaderId: userId,
      etag: "etag",
      look: { crop: null, filter: null },
      placeholder: { thumbHash: "", dominantColor: "#000000" },
    });
    const isPending = "unsettled_since" in fields;
    await database.connection
      .collection<{ _id: unknown }>("media")
      .updateOne(
        { filename: objectKey },
        { $set: fields, ...(!isPending && { $unset: { unsettled_since: 1 } }) },
      );
    for (const key of [media.objectKey, thumbnailKeyOf(objectKey)]) {
      await storage.put(key, Buffer.from("none"));
      keys.push(key);
    }
  }
  return keys;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
