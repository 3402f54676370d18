// Compares the service with the least code that could do the same work. Each figure is a ratio, and both sides take
// turns in the same run.
//   npm run bench                        everything, about ten minutes; writes docs/benchmarks.md
//   npm run bench -- --only list         the comparisons whose names contain the word; writes nothing
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { prepare, type Comparison } from "./comparisons.ts";
import { runMixed, type MixedResult } from "./mixed.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "4" },
    pictures: { type: "string", default: "10000" },
    "mixed-seconds": { type: "string", default: "120" },
  },
});

interface Outcome {
  comparison: Comparison;
  /** Medians of the rounds. */
  ours: number;
  theirs: number;
  ratio: number;
  /** The lowest and the highest ratio of a round. */
  range: [number, number];
}

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-bench-"));
try {
  const outcomes = await compareAll();
  const isWhole = options.only === "";
  const mixed =
    isWhole || "mixed load".includes(options.only)
      ? await runMixed(folder, Number(options.pictures), Number(options["mixed-seconds"]))
      : null;
  const report = [...describeMachine(), ...tableOf(outcomes), ...(mixed ? describeMixed(mixed) : [])].join(
    "\n",
  );
  console.log(report);
  if (isWhole) {
    const notes = await readFile(path.join(import.meta.dirname, "notes.md"), "utf8");
    await writeFile("docs/benchmarks.md", `# Benchmarks\n\n${report}\n\n${notes}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function compareAll(): Promise<Outcome[]> {
  const { comparisons, stop } = await prepare(folder, Number(options.seconds));
  const outcomes: Outcome[] = [];
  for (const comparison of comparisons.filter(({ what }) => what.includes(options.only))) {
    outcomes.push(await compare(comparison));
  }
  await stop();
  return outcomes;
}

/** Runs the rounds of one comparison. The first round warms both sides up and is not counted. */
async function compare(comparison: Comparison): Promise<Outcome> {
  const rounds: { ours: number; theirs: number }[] = [];
  for (let round = 0; round <= Number(options.rounds); round++) {
    const [ours, theirs] = [await comparison.ours(), await comparison.theirs()];
    console.error(`${comparison.what}: ${ours.toFixed(0)} to ${theirs.toFixed(0)}`);
    if (round > 0) rounds.push({ ours, theirs });
  }
  const ratios = rounds.map(({ ours, theirs }) => ours / theirs);
  return {
    comparison,
    ours: median(rounds.map(({ ours }) => ours)),
    theirs: median(rounds.map(({ theirs }) => theirs)),
    ratio: median(ratios),
    range: [Math.min(...ratios), Math.max(...ratios)],
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function describeMachine(): string[] {
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  const [{ model } = { model: "unknown" }] = cpus();
  return [
    `Written by \`npm run bench\`: ${availableParallelism()} cores (${model.trim()}), ${gibibytes} GiB, ${process.platform}, Node ${process.version}, the embedded database, ` +
      `data in the system's temporary folder. The client runs on the same cores. Each figure is the median of ${options.rounds} rounds of ${options.seconds} seconds, ` +
      "in which the service and its bare counterpart take turns; a ratio is taken within a round.",
    "",
  ];
}

function tableOf(outcomes: readonly Outcome[]): string[] {
  return [
    "| what | service | bare counterpart | bare | unit | ratio (lowest to highest) | goal |",
    "| --- | ---: | --- | ---: | --- | ---: | ---: |",
    ...outcomes.map(({ comparison: { what, bare, unit, goal }, ours, theirs, ratio, range }) => {
      const [shown, shownBare] = [ours, theirs].map((value) =>
        unit === "a second" ? format(value) : value.toFixed(1),
      );
      const spread = range.map((value) => value.toFixed(2)).join(" to ");
      const bound = unit === "a second" ? `≥ ${goal}` : `≤ ${goal}`;
      return `| ${what} | ${shown} | ${bare} | ${shownBare} | ${unit} | **${ratio.toFixed(2)}** (${spread}) | ${bound} |`;
    }),
    "",
  ];
}

function describeMixed({ perSecond, kinds, resident, hitRates, ...how }: MixedResult): string[] {
  const [start, middle, end] = resident;
  const rates = Object.entries(hitRates).map(([name, rate]) => `${(100 * rate).toFixed(1)} % of ${name}`);
  return [
    `**Mixed load**: ${how.connections} connections for ${how.seconds} seconds, ${format(how.pictureCount)} pictures by a Zipf distribution, ` +
      `${format(perSecond)} requests a second, as many as are answered. Milliseconds of the second half:`,
    "",
    "| kind | answers | median | 99 % | slowest |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...Object.entries(kinds).map(
      ([kind, { count, p50, p99, max }]) =>
        `| ${kind} | ${format(count)} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${max.toFixed(0)} |`,
    ),
    "",
    `Resident set: ${start} MiB at the start, ${middle} after half, ${end} at the end. Found in memory: ${rates.join(", ")}.`,
  ];
}

function format(value: number): string {
  return Math.round(value).toLocaleString("en");
}
