// Checks that the built program serves the page and its assets, and no other files.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { isInstalled, ObjectStore } from "../support/object-stores.ts";
import { ServerProcess } from "../support/server-process.ts";

let folder: string;
let server: ServerProcess;
let page: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-web-"));
  server = await ServerProcess.start({ INSTANCE_DIR: folder, CDN_URL: "https://cdn.example/pictures" });
  page = await (await fetch(server.url)).text();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const scriptPath = () => /src="\.(\/assets\/[^"]+\.js)"/.exec(page)![1]!;

describe("the page", () => {
  it("is revalidated each time, and loads only pictures from other origins", async () => {
    const { headers } = await fetch(server.url);
    const policy = headers.get("content-security-policy")!;

    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(policy.match(/https?:[^ ;]+/g)).toEqual(["https://cdn.example"]);
    expect(page).not.toMatch(/https?:/);
    expect(page).not.toMatch(/<style|<script(?! type="module" crossorigin src)/);
  });

  it.skipIf(!isInstalled("s3"))("may show pictures that a bucket sends", async () => {
    const store = await ObjectStore.start("s3");
    const redirecting = await ServerProcess.start({
      INSTANCE_DIR: await mkdtemp(path.join(folder, "redirect-")),
      STORAGE_URL: `s3://pictures?endpoint=http://127.0.0.1:${store.port}`,
      MEDIA_DELIVERY: "redirect",
      AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID!,
      AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY!,
    });
    const { headers } = await fetch(redirecting.url);
    await redirecting.stop();
    await store.stop();

    expect(headers.get("content-security-policy")).toContain(` http://127.0.0.1:${store.port} data: blob:`);
  });

  it("has a precompressed script of less than 180 kB, which caches may keep for a year", async () => {
    const answerTo = (encoding: string) =>
      fetch(server.url + scriptPath(), { headers: { "accept-encoding": encoding } });
    const plain = await answerTo("identity");
    const compressed = await answerTo("gzip");
    const brotli = await answerTo("br, gzip");

    expect(plain.headers.get("content-type")).toMatch(/^(text|application)\/javascript/);
    expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(Number(compressed.headers.get("content-length"))).toBeLessThan(180_000);
    expect(compressed.headers.get("content-encoding")).toBe("gzip");
    expect(brotli.headers.get("content-encoding")).toBe("br");
    expect(compressed.headers.get("vary")).toMatch(/accept-encoding/i);
    expect(await compressed.text()).toBe(await plain.text());
  });

  it.each([
    "/index.html",
    "/assets/",
    "/assets/none.js",
    "/assets/../index.html",
    "/assets/%2e%2e/index.html",
    "/assets/..%2f..%2fmain.js",
    "/main.tsx",
    "/src/web/main.tsx",
  ])("does not expose a file that is not part of it: %s", async (address) => {
    const { status, headers } = await fetch(server.url + address);

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(headers.get("content-type")).toMatch(/^application\/json/);
  });
});
