// Shows how much memory the built program takes under mixed uploads, including hostile ones, and under 200 at once:
//   npm run test:memory -- --uploads 5000
// Reads Linux's `/proc`, and uses jemalloc where it is installed, as `docs/operating.md` advises.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import sharp from "sharp";

import { ServerProcess } from "../support/server-process.ts";
import * as sampleImages from "../support/sample-images.ts";
import { postPicture } from "../support/rest-client.ts";

const { values: options } = parseArgs({
  options: { uploads: { type: "string", default: "5000" }, "max-mib": { type: "string", default: "350" } },
});
const uploadCount = Number(options.uploads);

/** The settings of `docs/operating.md`: freed memory goes back to the system within a fifth of a second. */
const allocatorSettings = "narenas:2,background_thread:true,dirty_decay_ms:200,muzzy_decay_ms:0";

/** The setting of `docs/operating.md`: objects that live as long as a request do not need Node's default of 48 MB. */
const youngGeneration = "--max-semi-space-size=2";

/** Uploads under way at the same time. The last step sends `AT_ONCE` instead. */
const LANES = 8;
const AT_ONCE = 200;
const STEPS = 10;

const pictures: Record<string, () => Buffer | Promise<Buffer>> = {
  portrait: sampleImages.portraitJpeg,
  camera: sampleImages.cameraJpeg,
  large: () => sampleImages.noiseJpeg(900),
  telephone: () => photographOf(4000, 3000).jpeg({ quality: 60 }).toBuffer(),
  lying: () => photographOf(4000, 3000).withMetadata({ orientation: 6 }).jpeg({ quality: 60 }).toBuffer(),
  progressive: () => photographOf(4000, 3000).jpeg({ quality: 60, progressive: true }).toBuffer(),
  transparent: sampleImages.transparentPng,
  sixteenBits: sampleImages.png16,
  interlaced: () => photographOf(600, 600).png({ progressive: true }).toBuffer(),
  animated: () => sampleImages.animatedGif(20),
  still: () => photographOf(900, 900).gif({ effort: 1 }).toBuffer(),
  notAPicture: () => Buffer.alloc(500_000, "no picture "),
  cutOff: async () => (await sampleImages.noiseJpeg(900)).subarray(0, 300_000),
  frameFlood: () => sampleImages.frameFloodGif(35_000),
  fortyMegapixels: () => sampleImages.flatPng(8000, 5000),
  fortyMegapixelsLying: () => flat(8000, 4992).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  fortyMegapixelsStill: () => flat(8000, 5000).gif({ effort: 1 }).toBuffer(),
  thirtyMegapixelsProgressive: () => flat(6000, 5000).jpeg({ progressive: true }).toBuffer(),
  thirtyMegapixelsInterlaced: () => flat(6000, 5000).png({ progressive: true }).toBuffer(),
  pixelFlood: () => sampleImages.pngHeaderOf(50_000, 50_000),
};

function flat(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: "#369" } });
}

function photographOf(width: number, height: number) {
  return sharp(sampleImages.portraitJpeg()).resize(width, height, { fit: "fill" }).blur(3);
}

const jemalloc = await findJemalloc();
const folder = await mkdtemp(path.join(tmpdir(), "letsapp-memory-"));
const server = await ServerProcess.start({
  INSTANCE_DIR: folder,
  UPLOADS_PER_MINUTE: "1000000",
  LOG_LEVEL: "error",
  NODE_OPTIONS: youngGeneration,
  ...(jemalloc && { LD_PRELOAD: jemalloc, MALLOC_CONF: allocatorSettings }),
});
const bytes = await Promise.all(Object.values(pictures).map(async (make) => await make()));
const blobs = bytes.map((file) => new Blob([new Uint8Array(file)]));
const { token, userId } = await signUp();

console.log(`Node ${process.version}, ${jemalloc ?? "the C library's allocator"}`);
console.log(
  `${bytes.length} kinds of pictures, ${Math.round(bytes.reduce((sum, file) => sum + file.length, 0) / bytes.length / 1024)} KB on average\n`,
);
console.log("uploads   resident MiB   at its peak   answers");
const counts = new Map<number, number>();
let doneCount = 0;
let largest = 0;
await show("start");
const startedAt = performance.now();
for (let step = 1; step <= STEPS; step++) {
  const target = Math.round((uploadCount * step) / STEPS);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (doneCount < target) await upload(blobs[doneCount++ % blobs.length]!);
    }),
  );
  await show(String(target));
}
const perSecond = uploadCount / ((performance.now() - startedAt) / 1000);
await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => upload(blobs[i % blobs.length]!)));
await show(`+${AT_ONCE} at once`);
await new Promise((resolve) => setTimeout(resolve, 5_000));
await show("5 s later");
console.log(`\n${perSecond.toFixed(0)} uploads a second, ${LANES} at a time`);

const { code } = await server.stop();
await rm(folder, { recursive: true });
const isTooMuch = largest > Number(options["max-mib"]);
if (isTooMuch) console.error(`More than ${options["max-mib"]} MiB.`);
if (code !== 0 || counts.has(500)) console.error("The server has failed.");
process.exitCode = isTooMuch || code !== 0 || counts.has(500) ? 1 : 0;

async function upload(blob: Blob): Promise<void> {
  const response = await postPicture(server.url, { userId, token }, blob);
  await response.arrayBuffer();
  counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
}

/** Prints a line of the table: the resident set now and its peak since the start. */
async function show(when: string): Promise<void> {
  const status = await readFile(`/proc/${server.child.pid}/status`, "utf8");
  const mib = (field: string) =>
    Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]) / 1024);
  largest = Math.max(largest, mib("VmRSS"));
  const answers = [...counts].sort().map(([answer, count]) => `${count} × ${answer}`);
  console.log(
    `${when.padEnd(14)}${String(mib("VmRSS")).padStart(8)}${String(mib("VmHWM")).padStart(14)}   ${answers.join(", ")}`,
  );
}

async function signUp(): Promise<{ token: string; userId: string }> {
  const query = "mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }";
  const input = { username: "memory", email: "memory@example.com", password: "correct horse" };
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data } = (await response.json()) as { data: { register: { token: string; user: { id: string } } } };
  return { token: data.register.token, userId: data.register.user.id };
}

/** Looks where Debian and its derivatives install the library. */
async function findJemalloc(): Promise<string | undefined> {
  const folders = await readdir("/usr/lib").catch(() => []);
  return folders
    .map((name) => path.join("/usr/lib", name, "libjemalloc.so.2"))
    .find((file) => existsSync(file));
}
