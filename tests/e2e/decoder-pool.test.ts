// Checks image work in child processes. The pool comes from the built program, because Node cannot fork TypeScript.
import { readFileSync } from "node:fs";

import sharp from "sharp";
import { afterEach, describe, expect, it } from "vitest";

import { plainLook } from "../../src/domain/look.ts";
import type { DecoderPool as Pool, PoolOptions } from "../../src/images/decoder-pool.ts";
import * as sampleImages from "../support/sample-images.ts";

const { DecoderPool } = (await import(
  new URL("../../dist/images/decoder-pool.js", import.meta.url).href
)) as { DecoderPool: typeof Pool };

const crashes: string[] = [];
let pool: Pool;

function createPool(options: Partial<PoolOptions> = {}): Pool {
  crashes.length = 0;
  pool = new DecoderPool({
    maxProcesses: 1,
    environment: {},
    onCrash: (how: string) => void crashes.push(how),
    ...options,
  });
  return pool;
}

afterEach(() => pool.close());

/** An image that takes about a second and 150 MB to decode. */
const largeJpeg = () =>
  sharp({ create: { width: 6000, height: 5000, channels: 3, background: "#369" } })
    .jpeg({ progressive: true })
    .toBuffer();

const smallJpeg = sampleImages.portraitJpeg();

/** The ids of the child processes of this process. */
function childIds(): number[] {
  const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function decoderId(): number {
  return childIds().find((id) => readFileSync(`/proc/${id}/cmdline`, "utf8").includes("decoder-process"))!;
}

describe("an image that ends its decoder process", () => {
  it("by taking too long is refused, and the next image is made", async () => {
    createPool({ taskTimeoutMs: 2_000 });
    await pool.run("makePicture", smallJpeg, plainLook);

    const slow = pool.run("makePicture", await largeJpeg(), plainLook);
    process.kill(decoderId(), "SIGSTOP"); // Stopped, so that even a fast machine reaches the timeout.

    await expect(slow).rejects.toMatchObject({ code: "IMAGE_TOO_COMPLEX" });
    await expect(createPool().run("makePicture", smallJpeg, plainLook)).resolves.toMatchObject({
      width: 512,
    });
    expect(crashes).toEqual([]);
  });

  it("by taking too much memory is refused, and the next image is made", async () => {
    createPool({ maxResidentBytes: 110 * 1024 * 1024 });

    const large = pool.run("makePicture", await largeJpeg(), plainLook);

    await expect(large).rejects.toMatchObject({ code: "IMAGE_TOO_COMPLEX" });
    await expect(pool.run("makePicture", smallJpeg, plainLook)).resolves.toMatchObject({ width: 512 });
  });

  it("by a crash is refused and reported to the operator, and the next image is made", async () => {
    createPool();
    await pool.run("makePicture", smallJpeg, plainLook);

    const deadly = pool.run("makePicture", await largeJpeg(), plainLook);
    process.kill(decoderId(), "SIGSEGV");

    await expect(deadly).rejects.toMatchObject({ code: "UNREADABLE_IMAGE" });
    expect(crashes).toEqual(["SIGSEGV"]);
    await expect(pool.run("makePicture", smallJpeg, plainLook)).resolves.toMatchObject({ width: 512 });
  });

  it("does not fail the images that wait for that process", async () => {
    createPool();
    await pool.run("makePicture", smallJpeg, plainLook);

    const outcomes = Promise.allSettled([
      pool.run("makePicture", await largeJpeg(), plainLook),
      pool.run("makePicture", smallJpeg, plainLook),
      pool.run("makePicture", smallJpeg, plainLook),
    ]);
    process.kill(decoderId(), "SIGSEGV");

    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });
});

describe("a decoder process", () => {
  it("has no secrets of the service, and may not write files, start programs or compile strings", async () => {
    process.env.JWT_SECRET = "the secret of the service";
    createPool({ environment: { MALLOC_CONF: "narenas:2" } });
    await pool.run("makePicture", smallJpeg, plainLook);
    delete process.env.JWT_SECRET;

    const environment = readFileSync(`/proc/${decoderId()}/environ`, "utf8");
    const command = readFileSync(`/proc/${decoderId()}/cmdline`, "utf8");

    expect(environment).toContain("MALLOC_CONF=narenas:2");
    expect(environment).not.toMatch(/JWT_SECRET|HOME/);
    expect(command).toMatch(/--(experimental-)?permission/);
    expect(command).not.toMatch(/--allow-(fs-write|child-process|worker)/);
    expect(command).toContain("--disallow-code-generation-from-strings");
  });

  it("is replaced when it keeps much memory after an image", async () => {
    createPool({ maxKeptBytes: 1 });
    await pool.run("makePicture", smallJpeg, plainLook);
    const first = decoderId();

    const pictures = Array.from({ length: 3 }, () => pool.run("makePicture", smallJpeg, plainLook));

    for (const picture of pictures) await expect(picture).resolves.toMatchObject({ width: 512 });
    expect(childIds()).not.toContain(first);
    expect(crashes).toEqual([]);
  });

  it("rejects an image with the same error as the service itself", async () => {
    createPool();

    const refusal = pool.run("makePicture", sampleImages.pngHeaderOf(10_000, 4_001), plainLook);

    await expect(refusal).rejects.toMatchObject({
      code: "IMAGE_TOO_COMPLEX",
      status: 422,
      details: { limit: 40_000_000, actual: 40_010_000 },
    });
  });

  it("survives SIGINT and SIGTERM, which a terminal may send to all processes, and ends with the service", async () => {
    createPool();
    await pool.run("makePicture", smallJpeg, plainLook);
    const id = decoderId();
    for (const signal of ["SIGINT", "SIGTERM"]) process.kill(id, signal);

    await expect(pool.run("makePicture", smallJpeg, plainLook)).resolves.toMatchObject({ width: 512 });
    await pool.close();
    expect(childIds()).not.toContain(id);
  });
});

describe("a decoder process that cannot be started", () => {
  it("lets the image fail as OVERLOADED, and takes no place in the pool", async () => {
    const { execPath } = process;
    createPool();
    process.execPath = "/nonexistent/node";
    const failed = pool.run("makePicture", smallJpeg, plainLook);
    await expect(failed).rejects.toMatchObject({ code: "OVERLOADED" });
    process.execPath = execPath;

    await expect(pool.run("makePicture", smallJpeg, plainLook)).resolves.toMatchObject({ width: 512 });
    expect(crashes).toHaveLength(1);
  });
});
