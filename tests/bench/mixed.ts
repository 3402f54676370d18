// Puts the service under the mixed load of a chat: thumbnails by a Zipf distribution, lists and uploads.
import { readFileSync } from "node:fs";
import path from "node:path";

import { Random } from "../fuzz/random.ts";
import type { LoadResult } from "./client.ts";
import { putUnderLoad, toForm, type Request } from "./load.ts";
import { makePhoto, World, type BenchPerson } from "./world.ts";

export interface MixedResult extends LoadResult {
  /** Resident set in MiB at the start, in the middle and at the end. */
  resident: number[];
  /** Share of lookups that were hits, for each cache. */
  hitRates: Record<string, number>;
  pictureCount: number;
  connections: number;
  seconds: number;
}

const CONNECTIONS = 16;
const SEQUENCE_LENGTH = 20_000;

export async function runMixed(folder: string, pictureCount: number, seconds: number): Promise<MixedResult> {
  const world = await World.start(path.join(folder, "mixed"));
  const { thumbnail, original } = await makePhoto();
  const people: BenchPerson[] = [];
  for (let i = 0; i < pictureCount; i++) {
    people.push(await world.givenPerson(`person${i}`));
    await world.givenPicture(people[i]!, thumbnail, thumbnail); // The originals are never requested.
  }
  const requests = sequence(people, original);
  const resident = [residentMiB(world)];
  const half = () =>
    putUnderLoad(folder, { url: world.server.url, requests, connections: CONNECTIONS, seconds: seconds / 2 });
  await half();
  resident.push(residentMiB(world));
  const result = await half();
  resident.push(residentMiB(world));
  const hitRates = readHitRates(await (await fetch(`${world.server.url}/metrics`)).text());
  await world.stop();
  return { ...result, resident, hitRates, pictureCount, connections: CONNECTIONS, seconds };
}

/** 95 % thumbnails, 4 % lists, 1 % uploads. */
function sequence(people: readonly BenchPerson[], photo: Buffer): Request[] {
  const random = new Random(7);
  const pick = zipf(people, random);
  const uploads = people.slice(-50).map(({ userId, token }) => {
    const form = toForm({}, "file", photo);
    const headers = { ...form.headers, authorization: `Bearer ${token}` };
    return {
      kind: "upload",
      method: "POST",
      path: `/api/users/${userId}/profile-picture`,
      body: form.body,
      headers,
    };
  });
  const query = "{ users(first: 100) { edges { node { id username profilePicture { id thumbnailUrl } } } } }";
  const list: Request = {
    kind: "list",
    method: "POST",
    path: "/graphql",
    headers: { "content-type": "application/json", authorization: `Bearer ${people[0]!.token}` },
    body: Buffer.from(JSON.stringify({ query })),
  };
  return Array.from({ length: SEQUENCE_LENGTH }, () => {
    const dice = random.below(100);
    if (dice === 0) return random.pick(uploads);
    if (dice < 5) return list;
    return { kind: "thumbnail", path: `/api/users/media/${pick().mediaId}?thumbnail=true` };
  });
}

/** Makes a picker by a Zipf distribution: the n-th value is picked 1/n as often as the first. */
function zipf<Value>(values: readonly Value[], random: Random): () => Value {
  const shown = values.slice(0, -50); // The last 50 people replace their pictures.
  const sums: number[] = [];
  for (let rank = 1; rank <= shown.length; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank);
  const total = sums.at(-1)!;
  return () => {
    const place = (random.below(2 ** 31) / 2 ** 31) * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < place) low = middle + 1;
      else high = middle;
    }
    return shown[low]!;
  };
}

/** Reads the resident set from Linux's `/proc`. */
function residentMiB({ server }: World): number {
  const status = readFileSync(`/proc/${server.child.pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
}

function readHitRates(metrics: string): Record<string, number> {
  const lookups = [...metrics.matchAll(/^cache_lookups_total\{cache="(\w+)",result="(\w+)"\} (\d+)/gm)];
  const rates: Record<string, number> = {};
  for (const cache of new Set(lookups.map(([, name]) => name!))) {
    const of = (result: string) =>
      Number(lookups.find(([, name, what]) => name === cache && what === result)![3]);
    rates[cache] = of("hit") / (of("hit") + of("miss"));
  }
  return rates;
}
