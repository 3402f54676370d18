// Checks the built program as operators use it: started, stopped, killed and started again.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { DatabaseSync } from "@photostructure/sqlite";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Client } from "../support/client.ts";
import {
  DeleteProfilePictureDocument,
  ListUsersDocument,
  RegisterDocument,
  UploadProfilePictureDocument,
} from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";

let folder: string;
let servers: ServerProcess[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-e2e-"));
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start({ INSTANCE_DIR: folder, ...env });
  servers.push(server);
  return server;
}

const ada = { username: "ada", email: "ada@example.com", password: "correct horse" };
const photograph = () => new Blob([new Uint8Array(sampleImages.portraitJpeg())]);

/** Signs Ada up and gives her a picture. */
async function givenPicture(url: string): Promise<{ token: string; mediaUrl: string; mediaId: string }> {
  const client = new Client(url);
  const { register } = await client.execute(RegisterDocument, { input: ada });
  client.token = register.token;
  const { uploadProfilePicture } = await client.execute(UploadProfilePictureDocument, { file: photograph() });
  const media = uploadProfilePicture.media!;
  return { token: register.token, mediaUrl: new URL(media.url).pathname, mediaId: media.id };
}

async function viewCountOf(url: string, token: string): Promise<number> {
  const client = new Client(url);
  client.token = token;
  const { users } = await client.execute(ListUsersDocument, { first: 1 });
  return users.edges[0]!.node.profilePicture!.viewCount;
}

/** Starts a process that is expected to fail. Resolves to its exit code and the lines of its stderr. */
async function giveUp(env: Record<string, string>): Promise<{ code: number | null; lines: string[] }> {
  const { code, stderr } = await ServerProcess.spawn({ INSTANCE_DIR: folder, ...env }).ended;
  return { code, lines: stderr.trim().split("\n") };
}

describe("the program", () => {
  it("starts on an empty folder, prints its addresses, and serves requests", async () => {
    const server = await start();
    const client = new Client(server.url);

    const { register } = await client.execute(RegisterDocument, { input: ada });
    client.token = register.token;
    const { uploadProfilePicture } = await client.execute(UploadProfilePictureDocument, {
      file: photograph(),
    });
    const picture = await fetch(uploadProfilePicture.media!.thumbnailUrl);
    await picture.arrayBuffer();
    const { users } = await client.execute(ListUsersDocument, { first: 10 });
    const { deleteProfilePicture } = await client.execute(DeleteProfilePictureDocument, {});

    expect(server.stdout).toContain(`Playground     ${server.url}/playground`);
    expect(server.stdout).toContain(`A picture      ${server.url}/api/users/media/<id>`);
    expect(server.stdout).toContain(path.join(folder, "database", "letsapp.sqlite"));
    expect(picture.headers.get("content-type")).toBe("image/jpeg");
    expect(users.edges.map(({ node }) => [node.username, node.profilePicture?.viewCount])).toEqual([
      ["ada", 1],
    ]);
    expect(deleteProfilePicture.user.profilePicture).toBeNull();
  });

  it("shows no secrets in its log, its errors or its metrics", async () => {
    const server = await start({ LOG_LEVEL: "trace" });
    const { token, mediaUrl } = await givenPicture(server.url);
    const client = new Client(server.url);
    const said: string[] = [];
    const tell = async (route: string, init?: RequestInit) => {
      said.push(await (await fetch(server.url + route, init)).text());
    };
    const json = { "content-type": "application/json" };
    const login = "mutation ($input: LoginInput!) { login(input: $input) { user { id } } }";
    for (const input of [
      { login: ada.email, password: ada.password },
      { login: ada.email, password: `${ada.password}r` },
      { login: ada.email, password: [ada.password] },
      { login: ada.email, passwort: ada.password },
    ]) {
      await tell("/graphql", {
        method: "POST",
        headers: json,
        body: JSON.stringify({ query: login, variables: { input } }),
      });
    }
    await client.execute(RegisterDocument, { input: ada }).catch((error: Error) => said.push(error.message));
    await tell("/graphql", {
      method: "POST",
      headers: { ...json, authorization: `Bearer ${token}x` },
      body: '{"query":"{me{id}}"}',
    });
    await tell(`${mediaUrl}?token=${token}`);
    await tell("/api/users/x/profile-picture", {
      method: "DELETE",
      headers: { authorization: `Bearer ${token}` },
    });
    await tell("/metrics");
    const secret = (await readFile(path.join(folder, "jwt-secret"), "utf8")).trim();
    const expired = await new SignJWT({ email: ada.email })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("a".repeat(24))
      .setExpirationTime(1)
      .sign(new TextEncoder().encode(secret));
    await tell("/api/users/x/profile-picture", {
      method: "DELETE",
      headers: { authorization: `Bearer ${expired}` },
    });
    const { port } = new URL(server.url);
    const broken = connect(Number(port), "127.0.0.1");
    broken.end(`GET / HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nno header\r\n\r\n`);
    await once(broken.resume(), "close");

    const { stdout, stderr } = await server.stop();
    const everything = [...said, stdout, stderr].join("\n");
    expect(stdout).toContain("connection failed: the request was invalid, too slow or cut off");
    for (const confidential of [ada.password, ada.email, token, expired, secret, "$2b$", "rawPacket"]) {
      expect(everything).not.toContain(confidential);
    }
  });

  it("keeps its generated secret in a file that only its user can read", async () => {
    await start();

    expect((await stat(path.join(folder, "jwt-secret"))).mode & 0o777).toBe(0o600);
    expect((await readFile(path.join(folder, "jwt-secret"), "utf8")).trim()).toMatch(/^[\w-]{43}$/);
  });

  it("keeps users, pictures, views and tokens across a restart", async () => {
    const first = await start();
    const { token, mediaUrl } = await givenPicture(first.url);
    for (let i = 0; i < 3; i++) await (await fetch(first.url + mediaUrl)).arrayBuffer();

    const ended = await first.stop();
    const second = await start();

    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(await viewCountOf(second.url, token)).toBe(3);
    expect((await fetch(second.url + mediaUrl)).status).toBe(200);
  });

  it("loses nothing that it acknowledged when it is killed", async () => {
    const first = await start();
    const { token, mediaUrl, mediaId } = await givenPicture(first.url);
    for (let i = 0; i < 7; i++) await (await fetch(first.url + mediaUrl)).arrayBuffer();

    await first.stop("SIGKILL");
    const second = await start();
    const client = new Client(second.url);
    client.token = token;
    const { users } = await client.execute(ListUsersDocument, { first: 1 });

    expect(users.edges[0]!.node.profilePicture).toMatchObject({ id: mediaId, viewCount: 7 });
    expect((await fetch(second.url + mediaUrl)).status).toBe(200);
    expect((await fetch(`${second.url + mediaUrl}?thumbnail=true`)).status).toBe(200);
  });

  it("leaves a single database file, and nothing in the folder for temporary files", async () => {
    const temporary = await mkdtemp(path.join(tmpdir(), "t-"));
    const server = await start({ TMPDIR: temporary });
    await givenPicture(server.url);

    await server.stop();
    const left = await readdir(temporary);
    await rm(temporary, { recursive: true });

    expect(left).toEqual([]);
    expect(await readdir(path.join(folder, "database"))).toEqual(["letsapp.sqlite"]);
  });

  it("answers an upload that is under way before it stops, and then accepts no connections", async () => {
    const server = await start();
    const { token } = await givenPicture(server.url);
    const [head, tail] = await halvesOfUpload();
    const { hostname, port } = new URL(server.url);
    const path = `/api/users/${JSON.parse(atob(token.split(".")[1]!)).sub}/profile-picture`;
    const headers = { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=x" };

    const upload = request({ hostname, port, path, method: "POST", headers });
    const answered = once(upload, "response") as Promise<[IncomingMessage]>;
    upload.write(head);
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    upload.end(tail);
    const [response] = await answered;
    response.resume();
    const { code } = await server.ended;

    expect(response.statusCode).toBe(200);
    expect(response.headers.connection).toBe("close");
    expect(code).toBe(0);
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });
});

/** A form with a photograph, cut in two. */
async function halvesOfUpload(): Promise<[Buffer, Buffer]> {
  const form = Buffer.concat([
    Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'),
    sampleImages.portraitJpeg(),
    Buffer.from("\r\n--x--\r\n"),
  ]);
  return [form.subarray(0, 30_000), form.subarray(30_000)];
}

describe("the program exits with one clear line per problem", () => {
  it("when another process uses its data", async () => {
    await start();

    expect(await giveUp({})).toEqual({
      code: 1,
      lines: [
        `letsapp: the database ${path.join(folder, "database", "letsapp.sqlite")} is locked by another process`,
      ],
    });
  });

  it("when its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;

    const ended = await giveUp({ PORT: String(port) });
    other.close();

    expect(ended).toEqual({
      code: 1,
      lines: [`letsapp: Port ${port} on 127.0.0.1 is in use by another program. Set PORT to a free port.`],
    });
  });

  it("when HOST is not an address of this machine", async () => {
    expect(await giveUp({ HOST: "203.0.113.1" })).toEqual({
      code: 1,
      lines: ["letsapp: 203.0.113.1 is not an address of this machine. Set HOST to one of its addresses."],
    });
  });

  it("when the instance folder would be inside a file", async () => {
    const file = path.join(folder, "a-file");
    await writeFile(file, "");

    const { code, lines } = await giveUp({ INSTANCE_DIR: path.join(file, "instance") });

    expect(code).toBe(1);
    expect(lines).toEqual([
      `letsapp: ${file}/instance cannot be written (ENOTDIR). Set INSTANCE_DIR to a writable folder.`,
    ]);
  });

  it("when the instance folder is a file", async () => {
    const file = path.join(folder, "a-file");
    await writeFile(file, "");

    expect((await giveUp({ INSTANCE_DIR: file })).lines).toEqual([
      `letsapp: ${file} cannot be written (EEXIST). Set INSTANCE_DIR to a writable folder.`,
    ]);
  });

  it("when the instance folder cannot be created", async () => {
    expect((await giveUp({ INSTANCE_DIR: "/proc/letsapp/instance" })).lines).toEqual([
      "letsapp: /proc/letsapp cannot be written (ENOENT). Set INSTANCE_DIR to a writable folder.",
    ]);
  });

  it("when the folder of the storage cannot be created, or the region of its bucket is unknown", async () => {
    const file = path.join(folder, "a-file");
    await writeFile(file, "");

    for (const place of [file, `${file}/pictures`])
      expect((await giveUp({ STORAGE_URL: `file://${place}` })).lines).toEqual([
        `letsapp: ${place} is not a folder, and a folder cannot be created there`,
      ]);
    const { lines } = await giveUp({ STORAGE_URL: "s3://pictures" });
    expect(lines.filter((line) => line.startsWith("letsapp:"))).toEqual([
      // The SDK prints its own warnings on older Node versions.
      "letsapp: the region of s3://pictures is not known: add ?region= to the address, or set AWS_REGION",
    ]);
  });

  it("when the secret file cannot be read or is empty", async () => {
    const empty = path.join(folder, "empty");
    await writeFile(empty, "\n");

    for (const [JWT_SECRET_FILE, problem] of [
      [path.join(folder, "nothing"), "cannot be read (ENOENT)"],
      [folder, "cannot be read (EISDIR)"],
      [empty, "is empty"],
    ] as const)
      expect(await giveUp({ JWT_SECRET_FILE })).toEqual({
        code: 1,
        lines: [`letsapp: JWT_SECRET_FILE: ${JWT_SECRET_FILE} ${problem}`],
      });
  });

  it("when the database file is damaged, or is a folder", async () => {
    const file = path.join(folder, "database", "letsapp.sqlite");
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, randomBytes(3_000));
    const damaged = await giveUp({});
    await rm(file);
    await mkdir(file);
    const none = await giveUp({});

    for (const [{ code, lines }, reason] of [
      [damaged, "file is not a database"],
      [none, "Failed to open database: unable to open database file"],
    ] as const)
      expect([code, lines]).toEqual([
        1,
        [
          `letsapp: the database ${file} cannot be used: ${reason}. Check that this user can read and write it. ` +
            "If it is damaged, replace it with the last backup.",
        ],
      ]);
  });

  it("when variables are invalid", async () => {
    const { code, lines } = await giveUp({ PORT: "http", LOG_LEVEL: "loud" });

    expect(code).toBe(1);
    expect(lines).toEqual([
      "letsapp: PORT must be a whole number from 0 to 65535.",
      "letsapp: LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.",
    ]);
  });

  it("when the database has a newer format", async () => {
    await (await start()).stop();
    const database = new DatabaseSync(path.join(folder, "database", "letsapp.sqlite"));
    database.exec("PRAGMA user_version = 99");
    database.close();

    const { code, lines } = await giveUp({});

    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("has format 99; this version of the program reads up to format 1");
  });

  it("when the MongoDB server does not answer", async () => {
    const { code, lines } = await giveUp({
      MONGODB_URI: "mongodb://127.0.0.1:1/letsapp",
      JWT_SECRET: "x".repeat(32),
    });

    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^letsapp: MONGODB_URI: .*ECONNREFUSED/);
  });
});
