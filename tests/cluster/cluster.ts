// Runs four processes of the built program on one database and one bucket, behind nginx, and checks that they behave as
// one:
//   npm run test:cluster
//   npm run test:cluster -- --short
import { parseArgs } from "node:util";

import { Random } from "../fuzz/random.ts";
import { isInstalled as isEdgeInstalled } from "../support/edge.ts";
import { isInstalled } from "../support/object-stores.ts";
import { findTestDatabase } from "../support/test-database.ts";
import { answerAlike, hideEverywhere } from "./agreement.ts";
import { format, type Check } from "./check.ts";
import { cleanUpTogether } from "./cleanup.ts";
import { compareCost } from "./cost.ts";
import { restartOneByOne } from "./restarts.ts";
import { limitUploads, uploadInTwoPlaces } from "./uploads.ts";
import { countThroughKills, loseDisk } from "./views.ts";
import { Cluster, NODE_COUNT } from "./world.ts";

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string", default: String(Date.now()) },
  },
});

/** Chooses the amount of work for a check: `short` (about a tenth) with `--short`, otherwise `long`. */
const amount = (long: number, short: number) => (options.short ? short : long);

const database = findTestDatabase();
if ("missing" in database) {
  console.log(`Skipped: several processes need a database that they can share. ${database.missing}`);
  process.exit(0);
}
if (!isInstalled("s3"))
  console.log("Skipped: a bucket; tests/object-stores/install.sh has built no S3 server.");
if (!isEdgeInstalled("nginx")) console.log("Skipped: what goes through nginx, which is not installed.");

const random = new Random(Number(options.seed));
const cluster = await Cluster.start();
console.log(`${NODE_COUNT} processes on Node ${process.version}: ${cluster.stands}; seed ${options.seed}\n`);
const checks: (() => Promise<Check>)[] = [
  () => limitUploads(cluster, amount(5, 2)),
  () => uploadInTwoPlaces(cluster, amount(50, 10)),
  () => cleanUpTogether(cluster, amount(200, 25)),
  () => hideEverywhere(cluster, amount(25, 4)),
  () => answerAlike(cluster),
  () => countThroughKills(cluster, amount(60, 8), random),
  () => loseDisk(cluster, amount(5, 1)),
  ...(cluster.edge
    ? [() => restartOneByOne(cluster, random), () => compareCost(cluster, amount(10, 2), amount(7, 1))]
    : []),
];
let violationCount = 0;
try {
  for (const run of checks) {
    const check = await run();
    console.log(format(check));
    violationCount += check.violations.length;
  }
} finally {
  await cluster.stop();
  if (violationCount > 0) console.log(cluster.log);
}
console.log(`${violationCount} violations.`);
process.exit(violationCount > 0 ? 1 : 0);
