// Checks the operator's command-line programs, with the service running and without it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Client } from "../support/client.ts";
import { ListUsersDocument, RegisterDocument } from "../support/operations.generated.ts";
import { freePort } from "../support/ports.ts";
import { PurgeListener } from "../support/purge-listener.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { postPicture } from "../support/rest-client.ts";

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

let folder: string;
let server: ServerProcess;
let userId: string;
let token: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-programs-"));
  server = await ServerProcess.start({ INSTANCE_DIR: folder });
  const client = new Client(server.url);
  const input = { username: "ada", email: "ada@example.com", password: "correct horse" };
  const { register } = await client.execute(RegisterDocument, { input });
  token = register.token;
  userId = register.user.id;
  await upload();
});
afterEach(async () => {
  await server.stop("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function upload(): Promise<void> {
  await postPicture(server.url, { userId, token }, sampleImages.portraitJpeg(), "ada.jpg");
}

const pictures = () => path.join(folder, "uploads", "profile_pictures");

function run(program: string, ...args: string[]): Promise<Ran> {
  return runIn(folder, program, args);
}

function runIn(instanceDir: string, program: string, args: string[] = [], more = {}): Promise<Ran> {
  const env = { PATH: process.env.PATH, INSTANCE_DIR: instanceDir, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, [`dist/cli/${program}.js`, ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

it("indexes lists all indexes, of which none is missing", async () => {
  const { status, stdout } = await run("indexes");

  expect(status).toBe(0);
  expect(stdout.match(/^  [a-z]+\.[a-z_]+: is there$/gm)).toHaveLength(6);
});

it("doctor examines the data of a running service, and repairs it with --repair while the service runs", async () => {
  const healthy = await run("doctor");
  const thumbnail = (await readdir(pictures())).find((name) => name.startsWith("thumb_"));
  await writeFile(path.join(pictures(), thumbnail!), "no picture");
  const ill = await run("doctor");
  const repaired = await run("doctor", "--repair", "--json");

  expect(healthy).toEqual({
    status: 0,
    stdout: "All is well: every record has its objects, and every object its record.\n",
    stderr: "",
  });
  expect(ill).toMatchObject({ status: 1, stdout: expect.stringContaining("unreadable-thumbnail") });
  expect(repaired.status).toBe(0);
  expect(JSON.parse(repaired.stdout)).toMatchObject({
    findings: [{ kind: "unreadable-thumbnail", remedy: "draw the thumbnail again", outcome: "repaired" }],
  });
  expect((await run("doctor")).status).toBe(0);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

it.skipIf(!existsSync("/usr/bin/script"))("doctor shows its progress on a terminal", async () => {
  const command = `${process.execPath} dist/cli/doctor.js`;
  const env = { PATH: process.env.PATH, INSTANCE_DIR: folder };
  const { stdout } = await promisify(execFile)("/usr/bin/script", ["-qec", command, "/dev/null"], { env });

  expect(stdout).toContain("██████████████████████████████ 1 of 1 media");
  expect(stdout).toContain("All is well");
});

it("doctor examines the data that a killed service has left", async () => {
  await server.stop("SIGKILL");

  expect((await run("doctor")).status).toBe(0);
});

it("cleanup reports its changes with --dry-run, and makes them without", async () => {
  expect(await run("cleanup", "--dry-run")).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("nothing has been changed"),
  });
  expect(await run("cleanup")).toMatchObject({ status: 0, stdout: expect.stringContaining("Cleaned up:") });
});

it("erase removes a user's pictures while the service runs", async () => {
  expect(await run("erase", "--user", userId)).toEqual({
    status: 0,
    stdout: "1 picture erased: objects, records and pointer.\n",
    stderr: "",
  });
  expect(await readdir(pictures())).toEqual([]);
});

it("backup copies everything while pictures are uploaded, and the copy is complete", async () => {
  const copy = path.join(folder, "copy");
  const done = new AbortController();
  const uploading = (async () => {
    while (!done.signal.aborted) await upload();
  })();
  const backup = await run("backup", "--to", copy);
  done.abort();
  await uploading;
  await server.stop("SIGKILL");
  const doctor = await runIn(copy, "doctor");
  server = await ServerProcess.start({ INSTANCE_DIR: copy });
  const client = new Client(server.url);
  client.token = token;
  const { users } = await client.execute(ListUsersDocument, { first: 1 });
  const { thumbnailUrl } = users.edges[0]!.node.profilePicture!;

  expect(backup).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("The records were copied as well."),
  });
  expect(doctor.status).toBe(0);
  expect((await fetch(`${server.url}${new URL(thumbnailUrl).pathname}?thumbnail=true`)).status).toBe(200);
}, 60_000);

it("doctor repairs nothing without --force when the storage is probably the wrong one", async () => {
  await rename(pictures(), `${pictures()}-elsewhere`);
  const refused = await run("doctor", "--repair");
  await rename(`${pictures()}-elsewhere`, pictures());
  const healthy = await run("doctor");

  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining("the storage is mounted") });
  expect(healthy.status).toBe(0);
});

it("backup names missing pictures, as when the storage is not mounted, and its copy stays unfinished", async () => {
  const copy = `${folder}-copy`;
  const keys = await readdir(pictures());
  await rename(pictures(), `${pictures()}-elsewhere`);
  const { status, stdout } = await run("backup", "--to", copy);
  await rename(`${pictures()}-elsewhere`, pictures());
  const names = (await readdir(path.dirname(copy))).filter((name) => name.startsWith(path.basename(copy)));
  await rm(`${copy}.unfinished`, { recursive: true });

  expect(status).toBe(1);
  for (const key of keys) expect(stdout).toContain(`missing: ${key}\n`);
  expect(names).toEqual([`${path.basename(copy)}.unfinished`]);
  expect(await run("backup", "--to", copy)).toMatchObject({ status: 0 });
  await rm(copy, { recursive: true });
});

it("backup does not write into a folder that is not empty", async () => {
  expect(await run("backup", "--to", folder)).toEqual({
    status: 2,
    stdout: "",
    stderr: `letsapp: ${folder} is not empty\n`,
  });
});

it.each([
  ["doctor", ["--repare"], "Unknown option '--repare'"],
  ["cleanup", ["now"], "Unexpected argument 'now'"],
  ["backup", [], "--to is required."],
  ["erase", [], "A user id is 24 hexadecimal digits."],
])("%s reports what is wrong with its arguments", async (program, args, reason) => {
  const { status, stdout, stderr } = await run(program, ...args);

  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(reason);
  expect(stderr).toContain(`Usage: npm run ${program}`);
});

it("a program that runs on a copy of the folder does not reach the service of the original", async () => {
  const copy = `${folder}-copy`;
  await cp(folder, copy, { recursive: true });

  const erased = await runIn(copy, "erase", ["--user", userId]);
  const other = await ServerProcess.start({ INSTANCE_DIR: copy });
  await other.stop("SIGKILL");
  await rm(copy, { recursive: true });

  expect(erased.status).toBe(0);
  expect(await readdir(pictures())).toHaveLength(2);
  expect(await run("doctor")).toMatchObject({ status: 0, stdout: expect.stringContaining("All is well") });
});

it("doctor names a folder without a database, and does not create it", async () => {
  await server.stop();
  await rm(folder, { recursive: true });

  expect(await run("doctor")).toMatchObject({ status: 2, stderr: expect.stringContaining(folder) });
  await expect(readdir(folder)).rejects.toThrow("ENOENT");
});

describe("erase, when a CDN has the pictures as well,", () => {
  it("purges them there, and again when no process can serve them any more", async () => {
    const cdn = await PurgeListener.start();
    const { status } = await runIn(folder, "erase", ["--user", userId], {
      CDN_PURGE_URL: `${cdn.url}/{key}`,
    });
    await cdn.stop();

    expect(status).toBe(0);
    expect(cdn.counts[`/user-${userId}`]).toBeGreaterThanOrEqual(2);
  });

  it("reports that the CDN may still show them when it does not answer", async () => {
    const { status, stdout, stderr } = await runIn(folder, "erase", ["--user", userId], {
      CDN_PURGE_URL: `http://127.0.0.1:${await freePort()}/{key}`,
      LOG_LEVEL: "silent",
    });

    expect(status).toBe(1);
    expect(stdout).toContain("1 picture erased");
    expect(stderr).toBe(
      "letsapp: 1 tag could not be purged from the CDN. The CDN may still show deleted pictures. " +
        "Purge its cache by hand.\n",
    );
  });
});
