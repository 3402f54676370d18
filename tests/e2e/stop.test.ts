// Checks a stop under load: requests that were begun are answered, every view is counted, and a second signal ends the
// process at once.
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { Client } from "../support/client.ts";
import { ListUsersDocument, RegisterDocument } from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { postPicture } from "../support/rest-client.ts";

const VIEWERS = 8;
const UPLOADERS = 2;

let folder: string;
let server: ServerProcess;
let token: string;
let userId: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-stop-"));
  server = await start();
  const input = { username: "ada", email: "ada@example.com", password: "correct horse" };
  const { register } = await new Client(server.url).execute(RegisterDocument, { input });
  token = register.token;
  userId = register.user.id;
});
afterEach(async () => {
  await server.stop("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

const settings = () => ({ INSTANCE_DIR: folder, UPLOADS_PER_MINUTE: "100000", LOG_LEVEL: "debug" });
const start = () => ServerProcess.start(settings());

async function upload(url: string): Promise<string> {
  const response = await postPicture(url, { userId, token }, sampleImages.portraitJpeg(), "ada.jpg");
  if (response.status !== 200) throw new Error(`upload was answered ${response.status}`);
  return ((await response.json()) as { media_id: string }).media_id;
}

/** Repeats the work until it fails, because the server does not accept requests any more. */
async function untilRefused(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
    } catch {
      return;
    }
  }
}

/** Number of requests with one method that the server logged as answered with 200. */
function answeredCount({ stdout }: { stdout: string }, method: string): number {
  const requests = stdout.split("\n").filter((line) => line.includes('"msg":"request"'));
  return requests.filter((line) => line.includes(`"method":"${method}"`) && line.includes('"status":200'))
    .length;
}

it("answers all requests that it has begun, flushes the views, and exits with 0", async () => {
  const { url } = server;
  const mediaId = await upload(url);
  let viewCount = 0;
  let uploadCount = 1;
  let lastUploaded = mediaId;
  const busy = [
    ...Array.from({ length: VIEWERS }, () =>
      untilRefused(async () => {
        const response = await fetch(`${url}/api/users/media/${lastUploaded}`);
        await response.arrayBuffer();
        if (response.status === 200) viewCount += 1;
      }),
    ),
    ...Array.from({ length: UPLOADERS }, () =>
      untilRefused(async () => {
        lastUploaded = await upload(url);
        uploadCount += 1;
      }),
    ),
  ];
  await new Promise((resolve) => setTimeout(resolve, 1_000));

  const ended = await server.stop();
  await Promise.all(busy);
  server = await start();

  expect(ended.code).toBe(0);
  expect(viewCount).toBeGreaterThan(50);
  expect([answeredCount(ended, "GET"), answeredCount(ended, "POST") - 1]).toEqual([viewCount, uploadCount]);
  expect(await recordedViews()).toBe(viewCount);
});

/** The recorded views of all media, including the replaced ones. */
async function recordedViews(): Promise<number> {
  const database = await Database.openBeside(loadConfig({ INSTANCE_DIR: folder }).database);
  const media = await database.connection.collection("media").find().toArray();
  await database.close();
  return media.reduce((sum, { view_count: count }) => sum + count, 0);
}

it("stops at once on a second signal, and keeps what it acknowledged", async () => {
  const mediaId = await upload(server.url);
  const hanging = fetch(`${server.url}/api/users/${userId}/profile-picture`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=x" },
    body: new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("--x\r\n")) }),
    duplex: "half",
  } as RequestInit).catch(() => null);
  await new Promise((resolve) => setTimeout(resolve, 300));

  server.child.kill("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 500));
  const stillRuns = server.child.exitCode === null;
  const askedAt = Date.now();
  const { code } = await server.stop("SIGTERM");
  const took = Date.now() - askedAt;
  await hanging;
  server = await start();
  const client = new Client(server.url);
  client.token = token;
  const { users } = await client.execute(ListUsersDocument, { first: 1 });

  expect([stillRuns, code]).toEqual([true, 1]);
  expect(took).toBeLessThan(2_000);
  expect(users.edges[0]!.node.profilePicture!.id).toBe(mediaId);
});

it("may be stopped at any moment of its start: exits with 0 once it listens, and counts the views once", async () => {
  const mediaId = await upload(server.url);
  for (let i = 0; i < 40; i++) await (await fetch(`${server.url}/api/users/media/${mediaId}`)).arrayBuffer();
  await server.stop("SIGKILL");

  const whenTold: (string | number)[] = [0, 150, 300, 450, 600, 750, 900, ...Array(4).fill("listening")];
  const codes: unknown[] = [];
  for (const when of whenTold) {
    server = ServerProcess.spawn(settings());
    if (typeof when === "number") await sleep(when);
    else while (!server.stdout.includes("Server listening")) await sleep(1);
    const { code, stderr } = await server.stop();
    if (when === "listening") codes.push(code);
    expect(stderr).toBe("");
  }

  server = await start();
  expect(codes).toEqual(Array(4).fill(0));
  await expect.poll(recordedViews).toBe(40);
});

it("answers requests that still arrive on open connections, and accepts no new connections", async () => {
  const clients = Array.from({ length: 12 }, (_, i) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const ask = () =>
      new Promise<string>((resolve) => {
        const sent = request(`${server.url}/graphql`, { agent, method: "POST", headers }, (response) => {
          const { connection } = response.headers;
          response.resume().on("end", () => resolve(`${response.statusCode} ${connection}`));
        });
        sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
        sent.end('{"query":"{ me { id } }"}');
      });
    const answers: string[] = [];
    const untilOver = async () => {
      while (!["ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(answers.at(-1)!)) {
        answers.push(await ask());
        await sleep(i * 8); // The first client is always busy, the last one is mostly idle.
      }
      agent.destroy();
    };
    return { answers, untilOver };
  });
  const all = Promise.all(clients.map(({ untilOver }) => untilOver()));
  await sleep(500);

  const { code } = await server.stop();
  await all;

  expect(code).toBe(0);
  for (const { answers } of clients) {
    expect([...new Set(answers)]).toEqual(["200 keep-alive", "200 close", "ECONNREFUSED"]);
  }
});

it("does not wait indefinitely for a request behind answers that the client does not read", async () => {
  const mediaId = await upload(server.url);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1").on("error", () => {});
  const ask = `GET /api/users/media/${mediaId} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const upgrade = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  socket.pause().write(ask.repeat(150) + upgrade);
  await sleep(1_500);

  const { code } = await server.stop();
  socket.destroy();

  expect(code).toBe(0);
});

it("does not wait for clients that stopped reading, or never sent a complete request", async () => {
  const port = Number(new URL(server.url).port);
  const silent = connect(port, "127.0.0.1").on("error", () => {});
  const half = connect(port, "127.0.0.1").on("error", () => {});
  half.write("GET /healthz HTTP/1.1\r\nHost:");
  const live = connect(port, "127.0.0.1").on("error", () => {});
  const lines = [
    "GET /graphql HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: graphql-transport-ws",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  live.write(`${lines.join("\r\n")}\r\n\r\n`);
  await once(live, "data");
  live.pause();

  const startedAtMs = performance.now();
  const { code, stderr } = await server.stop();
  for (const socket of [silent, half, live]) socket.destroy();

  expect([code, stderr]).toEqual([0, ""]);
  expect(performance.now() - startedAtMs).toBeLessThan(6_000);
});
