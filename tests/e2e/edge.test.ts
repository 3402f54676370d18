// Checks the configurations of `docs/deploy.md` with real nginx and Varnish: which answers they cache and revalidate,
// which views are counted, and which pictures are gone after a deletion.
import { request } from "node:http";
import { connect } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Client } from "../support/client.ts";
import { Edge, isInstalled } from "../support/edge.ts";
import { LiveClient } from "../support/live-client.ts";
import { Network } from "../support/network.ts";
import { freePort } from "../support/ports.ts";
import {
  DeleteProfilePictureDocument,
  ListUsersDocument,
  RegisterDocument,
  UploadProfilePictureDocument,
} from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";

const missing = (["nginx", "varnishd"] as const).filter((program) => !isInstalled(program));
if (missing.length > 0) console.log(`Skipped at the edge: ${missing.join(" and ")} not installed.`);

/** The service behind a cache. The service purges Varnish; nginx cannot be purged. */
interface World {
  server: ServerProcess;
  edge: Edge;
  close(): Promise<void>;
}

async function startWorld(kind: "nginx" | "Varnish", env: Record<string, string> = {}): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), "letsapp-edge-"));
  const edgePort = await freePort();
  const server = await ServerProcess.start({
    INSTANCE_DIR: folder,
    UPLOADS_PER_MINUTE: "1000",
    SIGN_INS_PER_MINUTE: "1000",
    ...(kind === "Varnish" && { CDN_PURGE_URL: `http://127.0.0.1:${edgePort}/{key}` }),
    ...env,
  });
  const port = Number(new URL(server.url).port);
  const edge = kind === "nginx" ? await Edge.startNginx([port]) : await Edge.startVarnish(port, edgePort);
  return {
    server,
    edge,
    async close() {
      await server.stop("SIGKILL");
      await edge.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let personCount = 0;

/** A user who has a picture and sends all requests through the edge. */
async function givenPerson({ edge }: World, bytes = sampleImages.portraitJpeg()) {
  const client = new Client(edge.url);
  const name = `person-${++personCount}`;
  const input = { username: name, email: `${name}@example.com`, password: "correct horse" };
  const { register } = await client.execute(RegisterDocument, { input });
  client.token = register.token;
  const upload = async (file: Buffer) => {
    const blob = new Blob([new Uint8Array(file)]);
    const result = await client.execute(UploadProfilePictureDocument, { file: blob });
    return result.uploadProfilePicture.media!.id;
  };
  return {
    userId: register.user.id,
    token: register.token,
    mediaId: await upload(bytes),
    upload,
    delete: () => client.execute(DeleteProfilePictureDocument, {}),
    /** The view count of the user's picture, read by its owner from the list of users. */
    async viewCount(): Promise<number> {
      const { users } = await client.execute(ListUsersDocument, { first: 100 });
      const mine = users.edges.find(({ node }) => node.id === register.user.id)!;
      return mine.node.profilePicture!.viewCount;
    },
  };
}

interface Shown {
  status: number;
  cache: string | null;
  type: string | null;
  headers: Headers;
  bytes: Buffer;
}

async function show(
  { edge }: World,
  mediaId: string,
  query = "",
  headers: Record<string, string> = {},
): Promise<Shown> {
  const response = await fetch(`${edge.url}/api/users/media/${mediaId}${query}`, { headers });
  return {
    status: response.status,
    cache: response.headers.get("x-cache"),
    type: response.headers.get("content-type"),
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

const caches = [
  ["nginx", "nginx"],
  ["Varnish", "varnishd"],
] as const;

describe.each(caches)("behind %s", (kind, program) => {
  describe.skipIf(!isInstalled(program))("(as documented)", () => {
    let world: World;
    beforeAll(async () => {
      world = await startWorld(kind);
    });
    afterAll(() => world?.close());

    it("a picture is fetched from the service once, then comes from the cache unchanged, as one view", async () => {
      const person = await givenPerson(world);

      const [first, second] = [await show(world, person.mediaId), await show(world, person.mediaId)];
      const direct = await fetch(`${world.server.url}/api/users/media/${person.mediaId}?thumbnail=true`);
      await direct.arrayBuffer();

      expect([first.cache, second.cache]).toEqual(["MISS", "HIT"]);
      expect(second.bytes.equals(first.bytes)).toBe(true);
      for (const name of ["etag", "content-type", "content-security-policy", "x-content-type-options"]) {
        expect(second.headers.get(name)).toBe(first.headers.get(name));
        expect(second.headers.get(name)).not.toBeNull();
      }
      expect(await person.viewCount()).toBe(2); // The request of the edge, and the direct one.
    });

    it("the cache itself answers 304 for an unchanged picture, and no view is counted", async () => {
      const person = await givenPerson(world);
      const { headers } = await show(world, person.mediaId);

      const again = await show(world, person.mediaId, "", { "if-none-match": headers.get("etag")! });

      expect([again.status, again.cache, again.bytes.length]).toEqual([304, "HIT", 0]);
      expect(await person.viewCount()).toBe(1);
    });

    it("each format of the Accept header and each URL is cached separately", async () => {
      const { mediaId } = await givenPerson(world);
      const accepts = ["image/webp,*/*", "image/avif,*/*", "image/webp,*/*", "image/avif,*/*"];
      const negotiated = [];
      for (const accept of accepts) negotiated.push(await show(world, mediaId, "?size=96", { accept }));
      const named = await show(world, mediaId, "?size=96&format=png", { accept: "image/webp,*/*" });
      const namedAgain = await show(world, mediaId, "?size=96&format=png", { accept: "image/avif" });

      expect(negotiated.map(({ type, cache }) => [type, cache])).toEqual([
        ["image/webp", "MISS"],
        ["image/avif", "MISS"],
        ["image/webp", "HIT"],
        ["image/avif", "HIT"],
      ]);
      expect([named.type, named.cache, namedAgain.cache]).toEqual(["image/png", "MISS", "HIT"]);
    });

    it("a byte range of a picture comes from the cache", async () => {
      const { mediaId } = await givenPerson(world);
      const whole = await show(world, mediaId);

      const part = await show(world, mediaId, "", { range: "bytes=10-19" });

      expect([part.status, part.cache]).toEqual([206, "HIT"]);
      expect(part.bytes.equals(whole.bytes.subarray(10, 20))).toBe(true);
    });

    it("a 404 is not cached", async () => {
      const unknown = "0123456789abcdef01234567";

      const answers = [await show(world, unknown), await show(world, unknown)];

      expect(answers.map(({ status, cache }) => [status, cache])).toEqual([
        [404, "MISS"],
        [404, "MISS"],
      ]);
    });

    it("concurrent requests for an answer that is not cached do not wait for each other", async () => {
      const person = await givenPerson(world);
      await person.delete();
      const startedAtMs = performance.now();

      const answers = await Promise.all(Array.from({ length: 30 }, () => show(world, person.mediaId)));

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
      // Sequential requests would take half a second each.
      expect(performance.now() - startedAtMs).toBeLessThan(4_000);
    });

    it("subscriptions pass through", async () => {
      const person = await givenPerson(world);
      const watcher = new LiveClient(world.edge.url, { authorization: `Bearer ${person.token}` });
      watcher.subscribe("subscription { profilePictureChanged { id } }");
      await expect.poll(() => watcher.isConnected).toBe(true);

      await person.upload(sampleImages.portraitJpeg());

      await expect
        .poll(() => watcher.told.map(({ data }) => data?.profilePictureChanged.id), { timeout: 5_000 })
        .toContain(person.userId);
      await watcher.close();
    });
  });

  it.skipIf(!isInstalled(program))("with MEDIA_MAX_AGE_SECONDS=0 every display is counted", async () => {
    const world = await startWorld(kind, { MEDIA_MAX_AGE_SECONDS: "0" });
    const person = await givenPerson(world);

    const shown = [];
    for (let i = 0; i < 5; i++) shown.push(await show(world, person.mediaId));
    const count = await person.viewCount();
    await world.close();

    expect(shown.every(({ status, cache }) => status === 200 && cache === "MISS")).toBe(true);
    expect(count).toBe(5);
  });
});

describe.skipIf(!isInstalled("nginx"))("several processes behind nginx", () => {
  it("may be killed one right after another: nginx asks the one that runs", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "letsapp-edge-"));
    const ports = [await freePort(), await freePort()];
    const start = (i: number) =>
      ServerProcess.start({ PORT: String(ports[i]), INSTANCE_DIR: path.join(folder, String(i)) });
    const servers = [await start(0), await start(1)];
    const edge = await Edge.startNginx(ports);
    const ask = async (options: RequestInit) => {
      const headers = { "content-type": "application/json", "apollo-require-preflight": "true" };
      const response = await fetch(`${edge.url}/graphql?query={__typename}`, { ...options, headers });
      await response.arrayBuffer();
      return response.status;
    };
    const post = { method: "POST", body: JSON.stringify({ query: "{ __typename }" }) };

    const statuses = [];
    for (const i of [0, 1, 0]) {
      await servers[i]!.stop("SIGKILL");
      for (let asked = 0; asked < 4; asked++) statuses.push(await ask({}), await ask(post));
      servers[i] = await start(i);
    }
    for (const server of servers) await server.stop("SIGKILL");
    await edge.stop();
    await rm(folder, { recursive: true, force: true });

    expect(statuses).toEqual(Array(24).fill(200));
  });
});

describe.skipIf(!isInstalled("nginx"))("a client behind nginx", () => {
  it("is rate-limited by its own address, whatever its X-Forwarded-For says", async () => {
    const world = await startWorld("nginx", { TRUST_PROXY: "loopback", SIGN_INS_PER_MINUTE: "3" });
    const query = `mutation ($input: LoginInput!) { login(input: $input) { token } }`;
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      const headers = {
        "content-type": "application/json",
        "x-forwarded-for": `10.9.8.${i}, 127.0.0.${i + 2}`,
      };
      const input = { login: `nobody-${i}@example.com`, password: "correct horse" };
      const body = JSON.stringify({ query, variables: { input } });
      const response = await fetch(`${world.edge.url}/graphql`, { method: "POST", headers, body });
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
      codes.push(errors[0]?.extensions.code);
    }
    await world.close();

    expect(codes.map((code) => code === "RATE_LIMITED")).toEqual([false, false, false, true, true]);
  });
});

describe.skipIf(!isInstalled("nginx"))("a cache that is not purged", () => {
  it("serves a deleted picture only until its max-age is over, even when the service is down", async () => {
    const world = await startWorld("nginx", { MEDIA_MAX_AGE_SECONDS: "1" });
    const person = await givenPerson(world);
    const before = await show(world, person.mediaId);
    await person.delete();
    const meanwhile = await show(world, person.mediaId);
    await setTimeout(2_100);
    const after = await show(world, person.mediaId);
    await world.server.stop();
    const afterStop = await show(world, person.mediaId);
    await world.close();

    expect([before, meanwhile, after, afterStop].map(({ status }) => status)).toEqual([200, 200, 404, 502]);
  });

  it("serves a replaced picture at its user's address only until its max-age is over, and never an error", async () => {
    const world = await startWorld("nginx", { MEDIA_MAX_AGE_SECONDS: "1" });
    const person = await givenPerson(world);
    const current = async () => {
      const response = await fetch(`${world.edge.url}/api/users/${person.userId}/profile-picture`);
      await response.arrayBuffer();
      const { status, headers } = response;
      return [status, headers.get("x-cache"), headers.get("content-type"), headers.get("etag")?.slice(1, 25)];
    };
    const before = await current();
    const nextId = await person.upload(await sampleImages.flatPng(300, 300));
    const meanwhile = await current();
    await setTimeout(2_100);
    const after = await current();
    await person.delete();
    await setTimeout(2_100);
    const [status, , type] = await current();
    await world.close();

    expect(before).toEqual([200, "MISS", "image/jpeg", person.mediaId]);
    expect(meanwhile).toEqual([200, "HIT", "image/jpeg", person.mediaId]);
    expect(after).toEqual([200, "EXPIRED", "image/png", nextId]);
    expect([status, type]).toEqual([200, "image/svg+xml"]);
  });
});

describe.skipIf(!isInstalled("varnishd"))("a cache that is purged", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld("Varnish");
  });
  afterAll(() => world?.close());

  const all = ["", "?thumbnail=true", "?size=96&format=webp"];
  const statuses = (mediaId: string) =>
    Promise.all(all.map(async (query) => (await show(world, mediaId, query)).status));

  it("no longer serves a deleted picture in any size, and still has the pictures of other users", async () => {
    const [person, other] = [await givenPerson(world), await givenPerson(world)];
    for (const { mediaId } of [person, other]) expect(await statuses(mediaId)).toEqual([200, 200, 200]);

    await person.delete();

    await expect.poll(() => statuses(person.mediaId), { timeout: 1_500 }).toEqual([404, 404, 404]);
    expect((await show(world, other.mediaId)).cache).toBe("HIT");
  });

  it("shows the new picture at the user's address as soon as the old one is replaced", async () => {
    const person = await givenPerson(world);
    const current = async () => {
      const response = await fetch(`${world.edge.url}/api/users/${person.userId}/profile-picture`);
      await response.arrayBuffer();
      return response.headers.get("etag");
    };
    expect(await current()).toContain(person.mediaId);
    await show(world, person.mediaId);

    const nextId = await person.upload(await sampleImages.flatPng(300, 300));

    await expect.poll(current, { timeout: 1_500 }).toContain(nextId);
    expect((await show(world, person.mediaId)).status).toBe(404);
    expect((await show(world, nextId)).status).toBe(200);
  });

  it("causes another view when a picture is fetched again after a purge", async () => {
    const person = await givenPerson(world);
    for (let i = 0; i < 3; i++) await show(world, person.mediaId);
    await fetch(`${world.edge.url}/media-${person.mediaId}`, { method: "PURGE" });
    for (let i = 0; i < 3; i++) await show(world, person.mediaId);

    expect(await person.viewCount()).toBe(2);
  });

  it("does not reveal the cache tags, which name the owner of a picture", async () => {
    const { mediaId } = await givenPerson(world);

    const { headers } = await show(world, mediaId);
    const direct = await fetch(`${world.server.url}/api/users/media/${mediaId}`, { method: "HEAD" });

    expect([...headers.keys()].filter((name) => /surrogate|tag$/.test(name) && name !== "etag")).toEqual([]);
    expect(direct.headers.get("surrogate-key")).toContain(mediaId);
  });

  it("refuses purges from other addresses, and purges of anything but a tag", async () => {
    const { port } = world.edge;
    const ask = (localAddress: string, route: string) =>
      new Promise<number>((resolve, reject) => {
        request({ host: "127.0.0.1", port, path: route, method: "PURGE", localAddress }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode!));
        })
          .on("error", reject)
          .end();
      });
    const { mediaId } = await givenPerson(world);
    await show(world, mediaId);

    expect(await ask("127.0.0.2", `/media-${mediaId}`)).toBe(403);
    expect(await ask("127.0.0.1", "/.*")).toBe(400);
    expect((await show(world, mediaId)).cache).toBe("HIT");
  });

  it.each(["/metrics", "/%6detrics", "/readyz?x", "/%72eadyz"])(
    "answers 404 for the internal path %s",
    async (route) => {
      const status = await new Promise((resolve, reject) => {
        const asked = request({ host: "127.0.0.1", port: world.edge.port, path: route }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode));
        });
        asked.on("error", reject).end();
      });

      expect(status).toBe(404);
    },
  );

  it("cannot be bypassed by a client that asks for a protocol upgrade", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(world.edge.port, "127.0.0.1");
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      socket.on("error", reject).on("close", () => resolve(text));
      const first = ["GET /healthz HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: keep-alive"];
      const second = ["GET /metrics HTTP/1.1", "Host: x", "Connection: close"];
      socket.write([...first, "", ...second, "", ""].join("\r\n"));
    });

    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).not.toContain("process_cpu_seconds_total"); // A metric, which is not public.
  });

  it("is unreachable when a picture is deleted: the deletion succeeds, and the purge follows later", async () => {
    const edgePort = await freePort();
    // Purges go to a separate port, on which no process listens yet.
    const own = await startWorld("Varnish", { CDN_PURGE_URL: `http://127.0.0.1:${edgePort}/{key}` });
    const person = await givenPerson(own);
    expect((await show(own, person.mediaId)).status).toBe(200);

    await person.delete();
    const meanwhile = await show(own, person.mediaId);
    const network = new Network({ host: "127.0.0.1", port: own.edge.port }, edgePort);
    await network.connect();
    await expect.poll(async () => (await show(own, person.mediaId)).status, { timeout: 10_000 }).toBe(404);
    await network.cut();
    await own.close();

    expect([meanwhile.status, meanwhile.cache]).toEqual([200, "HIT"]);
  });
});
