// Checks that all processes give the same answers, and how soon after a change.
import { createHash } from "node:crypto";

import { HIDDEN_EVERYWHERE_MS } from "../../src/domain/media.ts";
import * as sampleImages from "../support/sample-images.ts";
import type { Check } from "./check.ts";
import { deletePicture, sleep, upload, view, type Cluster, type Person } from "./world.ts";

/** Checks that a picture that is deleted or replaced in one process disappears from the memory of all. */
export async function hideEverywhere(cluster: Cluster, rounds: number): Promise<Check> {
  const check: Check = {
    title: "A deleted or replaced picture is gone from every process within two seconds of the answer",
    rows: [["what", "times", "median, ms", "slowest, ms"]],
    violations: [],
  };
  const ways = {
    deleted: (url: string, person: Person) => deletePicture(url, person),
    replaced: async (url: string, person: Person) =>
      upload(url, person, await sampleImages.flatPng(50, 50, "#884422")),
  };
  for (const [name, hide] of Object.entries(ways)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const { mediaId, ...person } = await cluster.givenPicture(sampleImages.portraitJpeg());
      for (const { url } of cluster.nodes) for (let i = 0; i < 2; i++) await view(url, mediaId);
      await hide(cluster.nodeAt(round).url, person);
      const answeredAtMs = performance.now();
      const withoutPicture = name === "replaced" ? alwaysShown(cluster, person) : [];
      const gone = cluster.nodes.map(async ({ url }) => {
        while ((await view(url, mediaId)) !== 404) {
          if (performance.now() - answeredAtMs > 10_000) return Infinity;
          await sleep(10);
        }
        return performance.now() - answeredAtMs;
      });
      times.push(...(await Promise.all(gone)));
      check.violations.push(...(await withoutPicture));
    }
    const sorted = times.toSorted((a, b) => a - b);
    const slowest = sorted.at(-1)!;
    check.rows.push([
      name,
      times.length,
      sorted[Math.floor(sorted.length / 2)]!.toFixed(0),
      slowest.toFixed(0),
    ]);
    if (slowest > HIDDEN_EVERYWHERE_MS)
      check.violations.push(`a ${name} picture was shown for ${slowest.toFixed(0)} ms`);
  }
  return check;
}

/** Checks that no process sends initials while a user's picture is being replaced. */
async function alwaysShown({ nodes }: Cluster, { userId }: Person): Promise<string[]> {
  const found = nodes.map(async ({ url }) => {
    for (let i = 0; i < 70; i++) {
      const response = await fetch(`${url}/api/users/${userId}/profile-picture`);
      await response.arrayBuffer();
      const isPicture = response.status === 200 && response.headers.get("content-type") !== "image/svg+xml";
      if (!isPicture) return ["a user whose picture was replaced had no picture for a moment"];
      await sleep(10);
    }
    return [];
  });
  return (await Promise.all(found)).flat();
}

/** Checks that all processes answer the same bytes and ETag for a picture, its squares, initials and lists. */
export async function answerAlike(cluster: Cluster): Promise<Check> {
  const check: Check = {
    title: "Each process answers the same bytes under the same ETag",
    rows: [["what", "type", "bytes", "same from all"]],
    violations: [],
  };
  const without = await cluster.givenPerson();
  const { mediaId, userId, token } = await cluster.givenPicture(sampleImages.portraitJpeg());
  const routes = {
    original: `/api/users/media/${mediaId}`,
    thumbnail: `/api/users/media/${mediaId}?thumbnail=true`,
    "square, WebP": `/api/users/media/${mediaId}?size=96&format=webp`,
    "square, AVIF": `/api/users/media/${mediaId}?size=300&format=avif`,
    "initials, SVG": `/api/users/${without.userId}/profile-picture`,
    "initials, PNG": `/api/users/${without.userId}/profile-picture?size=300&format=png`,
    "current picture": `/api/users/${userId}/profile-picture?size=96`,
  };
  for (const [name, route] of Object.entries(routes)) {
    const answers = await Promise.all(
      cluster.nodes.map(async ({ url }) => {
        const response = await fetch(`${url}${route}`);
        const bytes = Buffer.from(await response.arrayBuffer());
        const { headers, status } = response;
        const digest = createHash("sha256").update(bytes).digest("hex");
        return { status, type: headers.get("content-type"), etag: headers.get("etag"), digest, bytes };
      }),
    );
    const [first] = answers;
    const isAlike = new Set(answers.map(({ bytes: _, ...rest }) => JSON.stringify(rest))).size === 1;
    check.rows.push([name, first!.type ?? "–", first!.bytes.length, isAlike ? "yes" : "no"]);
    if (!isAlike) check.violations.push(`${name}: the processes answer different things`);
  }
  const query =
    "{ users(first: 50) { edges { node { id initials color profilePicture { id etagless: width placeholder { thumbHash } } } } } }";
  const lists = await Promise.all(
    cluster.nodes.map(async ({ url }) => {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ query }),
      });
      return response.text();
    }),
  );
  const isAlike = new Set(lists).size === 1 && !lists[0]!.includes('"errors"');
  check.rows.push(["list of users", "application/json", lists[0]!.length, isAlike ? "yes" : "no"]);
  if (!isAlike) check.violations.push(`lists: ${lists.map((text) => text.slice(0, 100)).join(" ")}`);
  return check;
}
