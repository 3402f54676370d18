// Checks the program that moves pictures while the service runs: to a bucket if an S3 server is installed, or else to
// another folder.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { afterEach, beforeEach, expect, it } from "vitest";

import { Client } from "../support/client.ts";
import { isInstalled, ObjectStore } from "../support/object-stores.ts";
import { RegisterDocument, UploadProfilePictureDocument } from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";

let folder: string;
let store: ObjectStore | null;
let toUrl: string;
let fromUrl: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-move-"));
  store = isInstalled("s3") ? await ObjectStore.start("s3") : null;
  fromUrl = pathToFileURL(path.join(folder, "uploads", "profile_pictures")).href;
  toUrl = store
    ? `s3://pictures/moved?endpoint=http://127.0.0.1:${store.port}`
    : pathToFileURL(path.join(folder, "moved")).href;
});
afterEach(async () => {
  await store?.stop();
  await rm(folder, { recursive: true, force: true });
});

const credentials = () => ({
  AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? "",
  AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? "",
});

function move(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, INSTANCE_DIR: folder, ...credentials() };
  return new Promise((resolve) => {
    execFile(process.execPath, ["dist/cli/storage-move.js", ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

it("moves all pictures while the service runs, which then no longer needs the old storage", async () => {
  const before = await ServerProcess.start({ INSTANCE_DIR: folder });
  const client = new Client(before.url);
  const input = { username: "ada", email: "ada@example.com", password: "correct horse" };
  client.token = (await client.execute(RegisterDocument, { input })).register.token;
  const file = new Blob([new Uint8Array(sampleImages.portraitJpeg())]);
  const { media } = (await client.execute(UploadProfilePictureDocument, { file })).uploadProfilePicture;
  await before.stop();
  const route = new URL(media!.url).pathname;

  const meanwhile = await ServerProcess.start({
    INSTANCE_DIR: folder,
    STORAGE_URL: toUrl,
    STORAGE_FALLBACK_URL: fromUrl,
    ...credentials(),
  });
  const seenBefore = await fetch(meanwhile.url + route);
  const bytesBefore = Buffer.from(await seenBefore.arrayBuffer());
  const dry = await move("--from", fromUrl, "--to", toUrl, "--dry-run");
  const moved = await move("--from", fromUrl, "--to", toUrl);
  const again = await move("--from", fromUrl, "--to", toUrl);
  await meanwhile.stop();

  await rm(path.join(folder, "uploads"), { recursive: true });
  const after = await ServerProcess.start({ INSTANCE_DIR: folder, STORAGE_URL: toUrl, ...credentials() });
  const seenAfter = await fetch(after.url + route);
  const bytesAfter = Buffer.from(await seenAfter.arrayBuffer());
  await after.stop();

  expect(seenBefore.status).toBe(200);
  expect(dry.stdout).toMatch(
    /^1 records: 2 objects \(0\.1 MB\) to copy, 0 there already, 0 missing, 0 failed\.\n$/,
  );
  expect(moved).toMatchObject({ status: 0, stdout: expect.stringMatching(/2 objects \(0\.1 MB\) copied/) });
  expect(again.stdout).toMatch(/0 objects \(0\.0 MB\) copied, 2 there already/);
  expect(seenAfter.status).toBe(200);
  expect(bytesAfter.equals(bytesBefore)).toBe(true);
});

it.each([
  [[], "--from must be the address of a storage"],
  [["--from", "s3://pictures"], "--to must be the address of a storage"],
  [["--from", "gs://same", "--to", "gs://same"], "--from and --to are the same storage"],
  [["--form", "gs://same"], "Unknown option '--form'"],
])("reports what is wrong with the arguments %j", async (args, sentence) => {
  const server = await ServerProcess.start({ INSTANCE_DIR: folder });
  const { status, stderr } = await move(...args);
  await server.stop();

  expect(status).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stderr).toContain("Usage: npm run storage:move");
});
