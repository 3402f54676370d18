// What the doctor finds: nothing, whatever was done to the service.
import type { Database } from "../../src/database/connection.ts";
import { Doctor } from "../../src/operations/doctor.ts";
import type { Finding } from "../../src/operations/finding.ts";
import type { ObjectStorage } from "../../src/storage/object-storage.ts";
import { lifecycleOf } from "./lifecycle.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export const tomorrow = () => new Date(Date.now() + DAY_MS);

/** @param now by default as if a day had passed, so that nothing counts as under way any more */
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
