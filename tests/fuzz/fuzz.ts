// Sends spoilt pictures to the built program through GraphQL and REST, and random operations to its graph. Checks the
// responses and their cost:
//   npm run fuzz -- --seed 7 --runs 2000 --operations 1000
// Each run depends only on its number and the seed, so `--run 123` replays one.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import sharp from "sharp";

import { ServerProcess } from "../support/server-process.ts";
import { Corpus } from "./corpus.ts";
import { FuzzClient, type Outcome } from "./fuzz-client.ts";
import { FOREIGN_MARK, mutate } from "./mutations.ts";
import { fuzzOperations } from "./operations.ts";
import { Random } from "./random.ts";

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "1000" },
    run: { type: "string" },
    operations: { type: "string", default: "500" },
    save: { type: "string" },
  },
});
const seed = Number(options.seed);
const runNumbers =
  options.run === undefined
    ? Array.from({ length: Number(options.runs) }, (_, i) => i)
    : [Number(options.run)];

/** More uploads at once than the service works on, so that some wait. */
const LANES = 4;

/** Error codes that are allowed for a file that is not accepted. */
const refusals = new Set([
  "BAD_USER_INPUT",
  "FILE_TOO_LARGE",
  "UNSUPPORTED_IMAGE_TYPE",
  "UNREADABLE_IMAGE",
  "IMAGE_TOO_COMPLEX",
  // The form was spoilt inside its GraphQL query.
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
]);

/** Mutations that add foreign bytes outside of the picture data. The service must never send these bytes. */
const bringForeignBytes = new Set(["append", "segment", "chunk", "profileName", "extension", "subBlock"]);

interface Finding {
  run: number;
  what: string;
  mutations: string[];
}

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-fuzz-"));
const temporaryFolder = await mkdtemp(path.join(tmpdir(), "letsapp-fuzz-tmp-"));
process.env.TMPDIR = temporaryFolder;
const server = await ServerProcess.start({
  INSTANCE_DIR: folder,
  UPLOADS_PER_MINUTE: "1000000",
  SIGN_INS_PER_MINUTE: "1000",
});
const corpus = await Corpus.create();

const findings: Finding[] = [];
const counts = new Map<string, number>();
let slowest = { ms: 0, run: -1, mutations: [] as string[] };
const startedAt = performance.now();

const queue = [...runNumbers];
try {
  await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
  await checkWhatIsLeft();
  if (options.run === undefined) await checkOperations();
  report((performance.now() - startedAt) / 1000);
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
  await rm(temporaryFolder, { recursive: true });
}
process.exit(findings.length > 0 ? 1 : 0);

/** Sends random GraphQL operations, prints a summary and collects the findings. */
async function checkOperations(): Promise<void> {
  const { token } = await FuzzClient.signUp(server.url, "operations");
  const operations = { seed, count: Number(options.operations) };
  const {
    findings: found,
    counts: codes,
    dearest,
    growthMiB,
  } = await fuzzOperations(server, folder, token, operations);
  console.log(
    `${operations.count} GraphQL operations: ${[...codes].map(([code, count]) => `${count} ${code}`).join(", ")}; the ` +
      `dearest took ${dearest.cpuMs} ms of processor time (seed ${dearest.seed}), the process grew by ${growthMiB.toFixed(0)} MiB\n`,
  );
  for (const finding of found)
    findings.push({ run: -1, what: `operation ${finding.seed} ${finding.what}`, mutations: [] });
}

/** Sends uploads as a separate user for each lane, because lanes of one user would replace each other's pictures. */
async function runLane(lane: number): Promise<void> {
  const client = await FuzzClient.signUp(server.url, `fuzz${lane}`);
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) await doRun(client, run);
}

async function doRun(client: FuzzClient, run: number): Promise<void> {
  const random = new Random(seed * 1_000_003 + run);
  const sample = random.pick(corpus.samples);
  const { bytes, names } = mutate(sample.bytes, sample.format, random);
  const mutations = [sample.name, ...names];
  if (options.save) await writeFile(options.save, bytes);
  const sentAt = performance.now();
  try {
    const outcome = await client.upload(bytes, random);
    const ms = performance.now() - sentAt;
    if (ms > slowest.ms) slowest = { ms, run, mutations };
    counts.set(outcome.code, (counts.get(outcome.code) ?? 0) + 1);
    const fault =
      outcome.code === "accepted" ? await faultOf(client, outcome, names) : faultOfRefusal(outcome);
    if (fault) findings.push({ run, what: fault, mutations });
  } catch (error) {
    findings.push({ run, what: String(error), mutations });
  }
}

function faultOfRefusal({ code, status, message }: Outcome): string | null {
  return refusals.has(code) ? null : `answered ${status} ${code}: ${message}`;
}

/** Fetches an accepted picture. Resolves with a description of the fault, or null. */
async function faultOf(client: FuzzClient, { media }: Outcome, mutations: string[]): Promise<string | null> {
  for (const query of ["", "?thumbnail=true"]) {
    const response = await client.get(`/api/users/media/${media!.id}${query}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) return `accepted, but served with ${response.status}`;
    const image = sharp(bytes, { failOn: "error", limitInputPixels: false });
    const { width, height, exif, xmp, iptc, comments, format } = await image.metadata();
    await image.raw().toBuffer();
    if (response.headers.get("content-type") !== `image/${format}`)
      return `a ${format} is served as another type`;
    if (exif ?? xmp ?? iptc ?? comments?.length) return "metadata is served";
    const expected = query ? [150, 150] : [media!.width, media!.height];
    if (width !== expected[0] || height !== expected[1])
      return `has ${width} × ${height} pixels, not ${expected.join(" × ")}`;
    const bringNothingElse = mutations.every((name) => bringForeignBytes.has(name));
    if (bringNothingElse && bytes.includes(FOREIGN_MARK)) return "foreign bytes are served";
  }
  return null;
}

async function checkWhatIsLeft(): Promise<void> {
  const note = (what: string) => findings.push({ run: -1, what, mutations: [] });
  if (server.child.exitCode !== null) return void note(`the server has ended: ${server.stderr}`);
  if ((await fetch(`${server.url}/readyz`)).status !== 200) note("the service is not ready any more");
  const objects = await readdir(path.join(folder, "uploads", "profile_pictures")).catch(() => []);
  const expected = 2 * (counts.get("accepted") ?? 0);
  if (objects.length !== expected) note(`${objects.length} objects are stored for ${expected / 2} pictures`);
  const temporary = await readdir(temporaryFolder);
  if (temporary.some((name) => name.startsWith("capacitor-"))) note(`left behind: ${temporary.join(" ")}`);
  if (/"level":[56]0/.test(server.stdout)) note(`errors in the log: ${server.stdout.slice(-2000)}`);
}

function report(seconds: number): void {
  for (const [code, count] of [...counts].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(count).padStart(7)}  ${code}`);
  }
  console.log(
    `\n${runNumbers.length} runs with seed ${seed} in ${seconds.toFixed(1)} s, ${(runNumbers.length / seconds).toFixed(0)} a second; ` +
      `the slowest took ${slowest.ms.toFixed(0)} ms (run ${slowest.run}: ${slowest.mutations.join(", ")})`,
  );
  for (const { run, what, mutations } of findings) {
    console.log(`\nFINDING in run ${run} (${mutations.join(", ")}): ${what}`);
    if (run >= 0) console.log(`  npm run fuzz -- --seed ${seed} --run ${run} --save spoilt-file`);
  }
  console.log(findings.length === 0 ? "Nothing found." : `\n${findings.length} findings.`);
}
