// npm run doctor -- [--repair] [--json]: compares records with objects. Ends with 0 when all is well or repaired, with 1
// when something is not.
import { parseArgs } from "node:util";

import { Doctor } from "../jobs/doctor.ts";
import type { Finding } from "../jobs/finding.ts";
import { runProgram, UsageError } from "./program.ts";

/** Characters of the progress bar. */
const BAR_WIDTH = 30;

const USAGE = "Usage: npm run doctor -- [--repair] [--json]";

await runProgram(USAGE, async ({ database, storage }) => {
  const { repair, json } = readArguments();
  const doctor = new Doctor(database, storage);
  const rows: Row[] = [];
  for await (const finding of doctor.examine(new Date(), json ? undefined : showProgress)) {
    rows.push(await treat(finding, repair));
  }
  if (process.stderr.isTTY && !json) process.stderr.write("\r\u001B[K");
  console.log(json ? JSON.stringify({ findings: rows }, null, 2) : table(rows));
  return rows.every(({ outcome }) => outcome === "repaired") ? 0 : 1;
});

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

function readArguments(): { repair: boolean; json: boolean } {
  try {
    const options = {
      repair: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
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
    kind: "what",
    subject: "of",
    remedy: "remedy",
    outcome: "outcome",
  };
  const columns = ["kind", "subject", "remedy", "outcome"] as const;
  const widths = columns.map((column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const lines = [head, ...rows].map((row) =>
    columns
      .map((column, i) => row[column].padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
  const repairedCount = rows.filter(({ outcome }) => outcome === "repaired").length;
  const advice = rows.some(({ outcome }) => outcome === "found")
    ? " With --repair each remedy is applied."
    : "";
  return [...lines, "", `${rows.length} found, ${repairedCount} repaired.${advice}`].join("\n");
}
