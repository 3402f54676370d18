// Kills the built program at random moments while users send requests, starts it again, and checks that nothing that it
// acknowledged is lost:
//   npm run test:chaos -- --minutes 10
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { CleanupJob } from "../../src/jobs/cleanup-job.ts";
import { createStorage } from "../../src/storage/create-storage.ts";
import { Random } from "../fuzz/random.ts";
import { lifecycleOf } from "../support/lifecycle.ts";
import { findingsOf } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { World, type Person } from "./load.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now()) },
  },
});
const endAt = Date.now() + Number(options.minutes) * 60_000;

/** Users whose picture only one lane changes, so that it is known exactly, and users whom several lanes change. */
const ALONE_COUNT = 4;
const CROWD_COUNT = 2;
const CROWD_LANES = 3;
const VIEWER_COUNT = 6;

const MIN_LIFE_MS = 100;
/** The longest life of three processes in four. */
const SHORT_LIFE_MS = 1_200;
/** The longest life of all others, which exceeds the flush interval of views. */
const MAX_LIFE_MS = 4_500;

/** Number of each user's deleted or replaced pictures that are requested after each start. */
const GONE_SAMPLE_COUNT = 20;

const TWO_HOURS_MS = 2 * 60 * 60 * 1000;

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-chaos-"));
const env = { INSTANCE_DIR: folder, UPLOADS_PER_MINUTE: "1000000", SIGN_INS_PER_MINUTE: "1000000" };
const random = new Random(Number(options.seed));
const pictures = [
  await sampleImages.flatPng(40, 40),
  sampleImages.restartJpeg(),
  sampleImages.frameFloodGif(3),
  await sampleImages.stillGif(),
];
let server = await ServerProcess.start(env);
const world = new World(() => server.url, pictures, random);
const alone = await Promise.all(Array.from({ length: ALONE_COUNT }, (_, i) => world.signUp(`alone${i}`)));
const crowd = await Promise.all(Array.from({ length: CROWD_COUNT }, (_, i) => world.signUp(`crowd${i}`)));
let killCount = 0;
const startMs: number[] = [];

try {
  while (Date.now() < endAt && world.violations.length === 0) {
    await liveAndDie();
    const startedAt = performance.now();
    server = await ServerProcess.start(env);
    startMs.push(performance.now() - startedAt);
    await examine();
  }
  const { code } = await server.stop();
  if (code !== 0) world.violations.push(`the last stop ended with ${code}`);
  server = await ServerProcess.start(env); // Its embedded database can be read beside it.
  await examineViews();
} catch (error) {
  world.violations.push(String(error));
} finally {
  await server.stop("SIGKILL");
  report();
  if (world.violations.length === 0) await rm(folder, { recursive: true });
}
process.exit(world.violations.length > 0 ? 1 : 0);

/** Keeps all users busy, and kills the process while their requests are under way. */
async function liveAndDie(): Promise<void> {
  const isAlive = () => server.child.signalCode === null && server.child.exitCode === null;
  const lanes = [
    ...alone.map((person) => lane(isAlive, () => changeAlone(person))),
    ...crowd.flatMap((person) =>
      Array.from({ length: CROWD_LANES }, () => lane(isAlive, () => changeInCrowd(person))),
    ),
    ...Array.from({ length: VIEWER_COUNT }, () => lane(isAlive, () => world.view())),
  ];
  const maxLifeMs = random.chance(75) ? SHORT_LIFE_MS : MAX_LIFE_MS;
  await sleep(MIN_LIFE_MS + random.below(maxLifeMs - MIN_LIFE_MS));
  if (!isAlive()) world.violations.push(`the process ended by itself: ${server.stderr}${server.stdout}`);
  await server.stop("SIGKILL");
  killCount += 1;
  await Promise.all(lanes);
}

async function lane(isAlive: () => boolean, act: () => Promise<unknown>): Promise<void> {
  while (isAlive()) {
    await act();
    await sleep(random.below(10));
  }
}

function changeAlone(person: Person): Promise<unknown> {
  const dice = random.below(100);
  if (dice < 45) return person.upload();
  if (dice < 60) return person.delete();
  return dice < 70 ? person.restore() : person.look();
}

function changeInCrowd(person: Person): Promise<unknown> {
  const dice = random.below(100);
  if (dice < 50) return person.upload();
  return dice < 65 ? person.delete() : person.look();
}

/** Checks the promises that hold after each start, before any user sends a request. */
async function examine(): Promise<void> {
  const config = loadConfig(env);
  const database = await Database.openBeside(config.database);
  const storage = await createStorage(config.storage);
  try {
    const log = { info() {}, error: (_: object, what: string) => world.violations.push(what) };
    const cleanup = new CleanupJob(database, lifecycleOf(database), storage, config.cleanup, log as never);
    for (const person of world.people) await examinePerson(person);
    await cleanup.run({ now: new Date(Date.now() + TWO_HOURS_MS) });
    for (const { kind, subject } of await findingsOf({ database, storage })) {
      world.violations.push(`the doctor finds ${kind} of ${subject}`);
    }
    for (const person of world.people) await examineGone(person);
  } finally {
    await database.close();
  }
}

async function examinePerson(person: Person): Promise<void> {
  const picture = await person.look();
  if (picture === undefined) return void world.violations.push(`${person.userId} cannot sign in any more`);
  const shown = picture?.id ?? null;
  if (!person.pictures.mayShow(shown)) world.violations.push(`${person.userId} shows ${shown}`);
  person.pictures.settle(shown);
}

async function examineGone(person: Person): Promise<void> {
  const gone = [...person.pictures.gone];
  for (const mediaId of gone.slice(-GONE_SAMPLE_COUNT)) {
    for (const query of ["", "?thumbnail=true"]) {
      const { status } = await fetch(`${server.url}/api/users/media/${mediaId}${query}`);
      if (status !== 404) world.violations.push(`${mediaId}${query} is gone and is answered ${status}`);
    }
  }
}

/** Compares the recorded views of all pictures with the answered ones. Runs at the end, when no view is pending. */
async function examineViews(): Promise<void> {
  const database = await Database.openBeside(loadConfig(env).database);
  const records = await database.connection.collection("media").find().toArray();
  await database.close();
  const recorded = new Map(records.map(({ _id, view_count: count }) => [String(_id), count as number]));
  for (const [mediaId, { completed, started }] of world.views) {
    const count = recorded.get(mediaId) ?? 0;
    if (count >= completed && count <= started) continue;
    world.violations.push(`${mediaId} has ${count} views: ${completed} to ${started} are right`);
  }
}

function report(): void {
  console.log(`\nSeed ${options.seed}, Node ${process.version}: killed ${killCount} times\n`);
  console.log("operation    acknowledged    refused    unanswered");
  for (const [kind, { acknowledged, refused, unanswered }] of [...world.counts].sort()) {
    console.log(
      `${kind.padEnd(13)}${String(acknowledged).padStart(12)}${String(refused).padStart(11)}${String(unanswered).padStart(14)}`,
    );
  }
  const slowest = Math.max(...startMs);
  console.log(`\nThe slowest start after a kill took ${slowest.toFixed(0)} ms.`);
  console.log(`${world.violations.length} violations.`);
  for (const violation of world.violations) console.log(`  ${violation}`);
  if (world.violations.length > 0) console.log(`The data is in ${folder}.`);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
