// npm run doctor -- [--repair [--force]] [--json]: compares records with objects. The exit status is 0 if it found no
// problem or repaired all of them, 1 if a problem is left, and 2 if the program failed.
import { parseArgs } from "node:util";

import { Doctor } from "../operations/doctor.ts";
import type { Finding } from "../operations/finding.ts";
import { runProgram } from "./program.ts";

/** Width of the progress bar, in characters. */
const BAR_WIDTH = 30;

/** Kinds of findings whose remedy cannot be undone. */
const lossyKinds = new Set<Finding["kind"]>([
  "missing-original",
  "unreadable-original",
  "object-without-record",
  "pointer-to-nothing",
]);
const MAX_LOSSES = 10;
const MAX_LOSS_SHARE = 0.1;

const USAGE = "Usage: npm run doctor -- [--repair [--force]] [--json]";

await runProgram(USAGE, async ({ database, lifecycle, storage }) => {
  const { repair, json, force } = readArguments();
  const doctor = new Doctor(database, lifecycle, storage);
  const findings: Finding[] = [];
  for await (const finding of doctor.examine(new Date(), json ? undefined : showProgress))
    findings.push(finding);
  if (process.stderr.isTTY && !json) process.stderr.write("\r\u001B[K");
  if (repair && !force) assertPlausible(findings, doctor.counts);
  const rows: Row[] = [];
  for (const finding of findings) rows.push(await treat(finding, repair));
  console.log(json ? JSON.stringify({ findings: rows }, null, 2) : table(rows));
  return rows.every(({ outcome }) => outcome === "repaired") ? 0 : 1;
});

/** @throws Error when the repair would lose so much that the storage or the database is probably the wrong one */
function assertPlausible(findings: readonly Finding[], { media, objects }: Doctor["counts"]): void {
  const lossCount = findings.filter(({ kind }) => lossyKinds.has(kind)).length;
  const isOneSided = (media === 0) !== (objects === 0);
  const isMuch = lossCount > Math.max(MAX_LOSSES, MAX_LOSS_SHARE * (media + objects));
  if (lossCount === 0 || !(isOneSided || isMuch)) return;
  throw new Error(
    `Nothing has been repaired: of ${media} records and ${objects} objects, ${lossCount} would be lost. Check that ` +
      "INSTANCE_DIR is right and that the storage is mounted. Add --force to repair anyway.",
  );
}

interface Row {
  kind: string;
  subject: string;
  remedy: string;
  outcome: "found" | "repaired" | "failed";
}

async function treat({ kind, subject, remedy, repair }: Finding, isWanted: boolean): Promise<Row> {
  if (!isWanted) return { kind, subject, remedy, outcome: "found" };
  try {
    await repair();
    return { kind, subject, remedy, outcome: "repaired" };
  } catch (error) {
    console.error(`letsapp: ${subject}: ${(error as Error).message}`);
    return { kind, subject, remedy, outcome: "failed" };
  }
}

function readArguments(): { repair: boolean; json: boolean; force: boolean } {
  const flag = { type: "boolean", default: false } as const;
  return parseArgs({ options: { repair: flag, json: flag, force: flag } }).values;
}

function showProgress(done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  const share = Math.min(1, done / Math.max(total, 1));
  const bar = "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
  process.stderr.write(`\r${bar} ${done} of ${Math.max(total, done)} media`);
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return "All is well: every record has its objects, and every object its record.";
  const head: Row | Record<keyof Row, string> = {
    kind: "problem",
    subject: "subject",
    remedy: "remedy",
    outcome: "outcome",
  };
  const columns = ["kind", "subject", "remedy", "outcome"] as const;
  const widths = columns.map((column) =>
    [head, ...rows].reduce((widest, row) => Math.max(widest, row[column].length), 0),
  );
  const lines = [head, ...rows].map((row) =>
    columns
      .map((column, i) => row[column].padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
  const repairedCount = rows.filter(({ outcome }) => outcome === "repaired").length;
  const advice = rows.some(({ outcome }) => outcome === "found")
    ? " Add --repair to apply the remedies."
    : "";
  return [...lines, "", `${rows.length} found, ${repairedCount} repaired.${advice}`].join("\n");
}
