// Runs the doctor and collects its findings. Tests expect none, whatever they did to the service before.
import type { Database } from "../../src/database/connection.ts";
import { Doctor } from "../../src/operations/doctor.ts";
import type { Finding } from "../../src/operations/finding.ts";
import type { ObjectStorage } from "../../src/storage/object-storage.ts";
import { lifecycleOf } from "./lifecycle.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export const tomorrow = () => new Date(Date.now() + DAY_MS);

/** @param now by default a day from now, so that the doctor treats no change as still under way */
export async function findingsOf(
  { database, storage }: { database: Database; storage: ObjectStorage },
  now = tomorrow(),
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of new Doctor(database, lifecycleOf(database), storage).examine(now)) {
    findings.push(finding);
  }
  return findings;
}
