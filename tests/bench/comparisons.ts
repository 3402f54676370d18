// Pairs each kind of request with a baseline: the least code that could do the same work.
import { cp, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";

import { putUnderLoad, startScript, toForm, type Request } from "./load.ts";
import { processorTimeOf } from "./processor-time.ts";
import { makePhoto, makePng, World, type BenchPerson } from "./world.ts";

export interface Comparison {
  what: string;
  bare: string;
  unit: "a second" | "ms of processor time each";
  /** The lowest ratio for a rate, the highest one for a time. */
  goal: number;
  /** Runs one round and resolves with the rate or the time of a request. */
  ours: () => Promise<number>;
  theirs: () => Promise<number>;
}

export interface Setting {
  comparisons: Comparison[];
  stop: () => Promise<void>;
}

const CONNECTIONS = 64;
const ORIGINAL_COUNT = 200;
const LIST_COUNT = 100;
const UPLOAD_LANES = 4;
const LIST_QUERY =
  "{ users(first: 100) { edges { cursor node { id username profilePicture { id thumbnailUrl width height createdAt } } } } }";
const UPLOAD_MUTATION = "mutation ($file: Upload!) { uploadProfilePicture(file: $file) { media { id } } }";

/** @param seconds duration of one round */
export async function prepare(folder: string, seconds: number): Promise<Setting> {
  const photo = await makePhoto();
  const world = await World.start(path.join(folder, "instance"));
  const cold = await World.start(path.join(folder, "cold"), { MEDIA_MEMORY_MB: "0" });
  const people: BenchPerson[] = [];
  for (let i = 0; i < LIST_COUNT; i++) {
    people.push(await world.givenPerson(`person${i}`));
    await world.givenPicture(people[i]!, photo.original, photo.thumbnail);
  }
  const objectKeys: string[] = [];
  const originals: BenchPerson[] = [];
  for (let i = 0; i < ORIGINAL_COUNT; i++) {
    originals.push(await cold.givenPerson(`person${i}`));
    objectKeys.push(await cold.givenPicture(originals[i]!, photo.original, photo.thumbnail));
  }

  const load = async (url: string, requests: Request[], connections = CONNECTIONS) =>
    (await putUnderLoad(folder, { url, requests, connections, seconds })).perSecond;
  const thumbnailFile = path.join(folder, "thumbnail.jpg");
  await writeFile(thumbnailFile, photo.thumbnail);
  await writeFile(path.join(folder, "photo.jpg"), photo.original);
  const thumbnail: Request = { path: `/api/users/media/${people[0]!.mediaId}?thumbnail=true` };
  const headers = await headersOf(world.server.url + thumbnail.path);
  const unchanged: Request = { ...thumbnail, headers: { "if-none-match": headers.etag! } };
  const unchangedHeaders = await headersOf(world.server.url + thumbnail.path, unchanged.headers);

  const bareThumbnail = await startScript("bare-server.ts", { status: 200, headers, file: thumbnailFile });
  const bareUnchanged = await startScript("bare-server.ts", { status: 304, headers: unchangedHeaders });
  const uploadsFolder = path.join(folder, "cold", "uploads", "profile_pictures", "/");
  const bareOriginal = await startScript("bare-server.ts", { status: 200, headers, folder: uploadsFolder });
  const originalRequests = originals.map(({ mediaId }) => ({ path: `/api/users/media/${mediaId}` }));
  // Loads the records into memory.
  for (const { path: route } of originalRequests) await fetchWhole(cold.server.url + route);

  const stockApollo = await startScript("stock-apollo.ts", { folder: await copyOf(folder) });
  const list: Request = {
    method: "POST",
    path: "/graphql",
    headers: { "content-type": "application/json", authorization: `Bearer ${people[0]!.token}` },
    body: Buffer.from(JSON.stringify({ query: LIST_QUERY })),
  };
  const png = await makePng(photo.original);
  const uploadsOf = (file: Buffer) =>
    people.map(({ userId, token }) => {
      const form = toForm({}, "file", file);
      const headers = { ...form.headers, authorization: `Bearer ${token}` };
      return { method: "POST", path: `/api/users/${userId}/profile-picture`, headers, body: form.body };
    });
  const graphqlUploads = people.map(({ token }) => {
    const operations = JSON.stringify({ query: UPLOAD_MUTATION, variables: { file: null } });
    const form = toForm({ operations, map: '{"0":["variables.file"]}' }, "0", photo.original);
    const headers = {
      ...form.headers,
      authorization: `Bearer ${token}`,
      "apollo-require-preflight": "true",
    };
    return { method: "POST", path: "/graphql", headers, body: form.body };
  });
  const bareUpload = await startScript("bare-upload.ts", { folder: path.join(folder, "bare") });
  const costOf = async ({ url, pid }: { url: string; pid: number }, requests: Request[]) => {
    const before = processorTimeOf(pid);
    const { kinds } = await putUnderLoad(folder, { url, requests, connections: UPLOAD_LANES, seconds });
    return (processorTimeOf(pid) - before) / kinds.all!.count;
  };
  const service = { url: world.server.url, pid: world.server.child.pid! };
  const uploadCost = (what: string, requests: Request[], bareRequests = requests): Comparison => ({
    what,
    bare: "a bare server that does the same work and makes the same files and record durable",
    unit: "ms of processor time each",
    goal: 1.3,
    ours: () => costOf(service, requests),
    theirs: () => costOf(bareUpload, bareRequests),
  });

  return {
    comparisons: [
      {
        what: "a thumbnail from memory, its view counted and journalled",
        bare: "node:http from memory, the same bytes and headers",
        unit: "a second",
        goal: 0.85,
        ours: () => load(world.server.url, [thumbnail]),
        theirs: () => load(bareThumbnail.url, [thumbnail]),
      },
      {
        what: "a thumbnail that is unchanged (304)",
        bare: "node:http, the same headers",
        unit: "a second",
        goal: 0.85,
        ours: () => load(world.server.url, [unchanged]),
        theirs: () => load(bareUnchanged.url, [unchanged]),
      },
      {
        what: `${ORIGINAL_COUNT} originals of ${kilobytes(photo.original)}, none in memory`,
        bare: "node:http with readFile",
        unit: "a second",
        goal: 0.9,
        ours: () => load(cold.server.url, originalRequests),
        theirs: () =>
          load(
            bareOriginal.url,
            objectKeys.map((key) => ({ path: `/${key}` })),
          ),
      },
      uploadCost(
        `an upload of a JPG of ${kilobytes(photo.original)} by plain HTTP`,
        uploadsOf(photo.original),
      ),
      uploadCost(
        `an upload of a JPG of ${kilobytes(photo.original)} by GraphQL`,
        graphqlUploads,
        uploadsOf(photo.original),
      ),
      uploadCost(`an upload of a PNG of ${kilobytes(png)} by plain HTTP`, uploadsOf(png)),
      {
        what: "the same upload of a JPG by plain HTTP, four at a time",
        bare: "the same bare server",
        unit: "a second",
        goal: 0.6,
        ours: () => load(world.server.url, uploadsOf(photo.original), UPLOAD_LANES),
        theirs: () => load(bareUpload.url, uploadsOf(photo.original), UPLOAD_LANES),
      },
      {
        what: "a list of 100 users with pictures, all known",
        bare: "Apollo Server as it comes, with the same schema and data",
        unit: "a second",
        goal: 2,
        ours: () => load(world.server.url, [list], 16),
        theirs: () => load(stockApollo.url, [list], 16),
      },
    ],
    async stop() {
      for (const server of [bareThumbnail, bareUnchanged, bareOriginal, bareUpload, stockApollo])
        server.stop();
      await world.stop();
      await cold.stop();
    },
  };
}

/** Copies the data of the service, because only one process can open the embedded database. */
async function copyOf(folder: string): Promise<string> {
  const copy = await mkdtemp(path.join(folder, "copy-"));
  const isNotAddress = (file: string) => !file.endsWith(".address");
  await cp(path.join(folder, "instance"), copy, { recursive: true, filter: isNotAddress });
  return copy;
}

/** Returns the headers of a picture that comes from memory, without those of the connection. */
async function headersOf(url: string, sent: Record<string, string> = {}): Promise<Record<string, string>> {
  await fetchWhole(url);
  const { headers } = await fetchWhole(url, sent);
  const ofTheConnection = new Set(["date", "connection", "keep-alive"]);
  return Object.fromEntries([...headers].filter(([name]) => !ofTheConnection.has(name)));
}

async function fetchWhole(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response;
}

function kilobytes({ length }: Buffer): string {
  return `${Math.round(length / 1000)} kB`;
}
