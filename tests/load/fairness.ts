// Shows how much two hostile accounts slow down an honest user, without their limit of uploads a minute:
//   npm run test:fairness -- --seconds 20
// Prints the 99th percentile under attack and its ratio to that at rest. The memory comes from Linux's `/proc`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import sharp from "sharp";

import { resourcesOfAll } from "../support/resources.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { postPicture, type RestPerson, signUp } from "../support/rest-client.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    "max-ratio": { type: "string", default: "Infinity" },
  },
});
const SECONDS = Number(options.seconds);

/** Requests that each hostile account keeps under way. */
const LANES = 8;

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-fairness-"));
const server = await ServerProcess.start({
  INSTANCE_DIR: folder,
  UPLOADS_PER_MINUTE: "100000",
  LOG_LEVEL: "error",
});
const photo = sampleImages.portraitJpeg();
const heavy = await sharp({ create: { width: 6000, height: 5000, channels: 3, background: "#369" } })
  .jpeg({ progressive: true })
  .toBuffer();

const honest = await signUp(server.url, "honest");
const hostile = [await signUp(server.url, "mallory"), await signUp(server.url, "mallet")];
const uploader = await signUp(server.url, "uploader");
const mediaId = await upload(honest, photo);

/** Requests of the honest user, who sends one after another. */
const kinds: Record<string, () => Promise<unknown>> = {
  picture: () => fetchWhole(`/api/users/media/${mediaId}`),
  list: () =>
    graphql(
      "{ users(first: 20) { edges { node { id username profilePicture { id thumbnailUrl } } } } }",
      honest,
    ),
  upload: () => upload(uploader, photo),
};

/** Requests that hostile accounts send again and again. */
const attacks: Record<string, (account: RestPerson) => Promise<unknown>> = {
  "heavy uploads": (account) => upload(account, heavy),
  "uploads that stall": (account) => stall(account),
  "initials as AVIF": (account) =>
    fetchWhole(`/api/users/${account.userId}/profile-picture?size=600&format=avif&_=${Math.random()}`),
  "deletions and restorations": (account) =>
    graphql("mutation { deleteProfilePicture { success } }", account),
};

const quiet = await measure();
console.log(
  "attack                        picture p99   list p99   upload p99 (ms; ratio to rest)   MiB of all processes",
);
show("none", quiet, quiet);
let worst = 0;
for (const [name, attack] of Object.entries(attacks)) {
  const over = new AbortController();
  const lanes = hostile.flatMap((account) =>
    Array.from({ length: LANES }, async () => {
      while (!over.signal.aborted) await attack(account).catch(() => {});
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const attacked = await measure();
  over.abort();
  show(name, attacked, quiet);
  worst = Math.max(worst, ...Object.keys(kinds).map((kind) => attacked[kind]! / quiet[kind]!));
  await Promise.all(lanes);
}
await server.stop();
await rm(folder, { recursive: true });
if (worst > Number(options["max-ratio"])) {
  console.error(`A ratio of ${worst.toFixed(1)} is more than ${options["max-ratio"]}.`);
  process.exitCode = 1;
}
process.exit();

/** Measures the 99th percentile of each kind, in milliseconds. */
async function measure(): Promise<Record<string, number>> {
  const times: Record<string, number[]> = {};
  const endAtMs = performance.now() + SECONDS * 1000;
  while (performance.now() < endAtMs) {
    for (const [kind, work] of Object.entries(kinds)) {
      const startedAtMs = performance.now();
      await work();
      (times[kind] ??= []).push(performance.now() - startedAtMs);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([kind, values]) => {
      const sorted = values.toSorted((a, b) => a - b);
      return [kind, sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!];
    }),
  );
}

function show(name: string, times: Record<string, number>, rest: Record<string, number>): void {
  const cells = Object.keys(kinds).map((kind) =>
    `${times[kind]!.toFixed(0)} (${(times[kind]! / rest[kind]!).toFixed(1)})`.padStart(12),
  );
  console.log(
    name.padEnd(28),
    ...cells,
    String(Math.round(resourcesOfAll(server.child.pid!)?.residentMiB ?? 0)).padStart(20),
  );
}

async function fetchWhole(route: string): Promise<void> {
  await (await fetch(server.url + route)).arrayBuffer();
}

async function graphql(query: string, { token }: Partial<RestPerson>, variables: object = {}): Promise<any> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

async function upload(person: RestPerson, bytes: Buffer): Promise<string> {
  const response = await postPicture(server.url, person, bytes);
  return ((await response.json()) as { media_id: string }).media_id;
}

/** Sends the first part of a file, stalls for two seconds and aborts the request. */
async function stall({ userId, token }: RestPerson): Promise<void> {
  const head = `--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(head));
      controller.enqueue(new Uint8Array(700_000));
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      controller.error(new Error("gone"));
    },
  });
  await fetch(`${server.url}/api/users/${userId}/profile-picture`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=x" },
    body,
    duplex: "half",
  } as RequestInit);
}
