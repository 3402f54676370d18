// Checks uploads of one user in several processes at once.
import { findingsOf } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import type { Check } from "./check.ts";
import { upload, type Cluster, type Person } from "./world.ts";

const AT_ONCE = 40;
const ALLOWED = 5;

/** Checks that `ALLOWED` of `AT_ONCE` uploads of a user pass, and none after a restart within the same minute. */
export async function limitUploads(cluster: Cluster, rounds: number): Promise<Check> {
  const check: Check = {
    title: `${AT_ONCE} uploads at once for one user, a quarter to each process: ${ALLOWED} pass`,
    rows: [
      [
        "round",
        "stored",
        "rate-limited",
        "others",
        "stored after all were restarted",
        "stored after all were killed",
      ],
    ],
    violations: [],
  };
  const people: Person[] = [];
  const outcomes: string[][] = [];
  for (let round = 0; round < rounds; round++) {
    const person = await cluster.givenPerson();
    people.push(person);
    outcomes.push(await uploadAtOnce(cluster, person, AT_ONCE));
  }
  await cluster.restartAll("SIGTERM");
  const afterRestart = await Promise.all(people.map((person) => uploadAtOnce(cluster, person, 4)));
  await cluster.restartAll("SIGKILL");
  const afterKill = await Promise.all(people.map((person) => uploadAtOnce(cluster, person, 4)));

  for (const [round, codes] of outcomes.entries()) {
    const [stored, limited] = [countOf(codes, "OK"), countOf(codes, "RATE_LIMITED")];
    const later = [countOf(afterRestart[round]!, "OK"), countOf(afterKill[round]!, "OK")];
    check.rows.push([round + 1, stored, limited, codes.length - stored - limited, ...later]);
    if (stored !== ALLOWED || limited !== AT_ONCE - ALLOWED)
      check.violations.push(`round ${round + 1}: ${codes.toSorted().join(" ")}`);
    if (later.some((count) => count > 0))
      check.violations.push(`round ${round + 1}: uploads passed after a restart`);
    check.violations.push(...(await examine(cluster, people[round]!, ALLOWED)));
  }
  return check;
}

/** Checks that the last upload becomes the current picture and that the other one is retired. */
export async function uploadInTwoPlaces(cluster: Cluster, rounds: number): Promise<Check> {
  const check: Check = {
    title: "Two uploads of one user at the same instant in two processes: one is shown, the other is retired",
    rows: [["users", "uploads stored", "shown", "retired", "unsettled", "found by the doctor"]],
    violations: [],
  };
  const people = await Promise.all(Array.from({ length: rounds }, () => cluster.givenPerson()));
  let [stored, shown, retired, unsettled] = [0, 0, 0, 0];
  for (const [i, person] of people.entries()) {
    const bytes = await sampleImages.flatPng(40, 40);
    const codes = await Promise.all([0, 1].map((n) => upload(cluster.nodeAt(i + n).url, person, bytes)));
    stored += codes.filter(({ code }) => code === null).length;
    check.violations.push(...(await examine(cluster, person, 2)));
    for (const record of await cluster.recordsOf(person)) {
      if (record.isDeleted) retired += 1;
      else shown += 1;
      if (record.unsettledSince) unsettled += 1;
    }
  }
  const findings = await findingsOf(cluster);
  for (const { kind, subject } of findings) check.violations.push(`the doctor finds ${kind} of ${subject}`);
  check.rows.push([people.length, stored, shown, retired, unsettled, findings.length]);
  return check;
}

async function uploadAtOnce(cluster: Cluster, person: Person, count: number): Promise<string[]> {
  const bytes = await sampleImages.flatPng(40, 40);
  const uploads = Array.from({ length: count }, (_, i) => upload(cluster.nodeAt(i).url, person, bytes));
  return (await Promise.all(uploads)).map(({ code }) => code ?? "OK");
}

/** Checks that one picture is current and shown, and that all stored uploads have records. */
async function examine(cluster: Cluster, person: Person, storedCount: number): Promise<string[]> {
  const currentId = await cluster.database.users.findPictureId(person.userId);
  const records = await cluster.recordsOf(person);
  const shown = records.filter(({ isDeleted, isPending }) => !isDeleted && !isPending);
  const violations = [];
  if (records.length !== storedCount) violations.push(`${records.length} records of ${storedCount} uploads`);
  if (shown.length !== 1 || shown[0]!.media.id !== currentId)
    violations.push(`${shown.length} are shown, and ${currentId} is current`);
  return violations.map((violation) => `${person.userId}: ${violation}`);
}

function countOf(codes: readonly string[], code: string): number {
  return codes.filter((one) => one === code).length;
}
