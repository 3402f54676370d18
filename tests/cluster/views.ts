// Checks the view counts of several processes, some of which are killed.
import { rm } from "node:fs/promises";
import path from "node:path";

import { ViewLedger } from "../chaos/ledger.ts";
import { Random } from "../fuzz/random.ts";
import * as sampleImages from "../support/sample-images.ts";
import type { Check } from "./check.ts";
import { sleep, view, VIEW_FLUSH_SECONDS, type Cluster, type Node } from "./world.ts";

const PICTURE_COUNT = 12;
const LANE_COUNT = 8;

/** Kills processes while they count views, and restarts them on the same folder. Checks that the counts are exact. */
export async function countThroughKills(cluster: Cluster, seconds: number, random: Random): Promise<Check> {
  const ledgers = await givenPictures(cluster, PICTURE_COUNT);
  const ids = [...ledgers.keys()];
  const endAtMs = performance.now() + seconds * 1000;
  const isOver = () => performance.now() >= endAtMs;
  let killCount = 0;
  const lane = async (i: number) => {
    while (!isOver()) {
      const id = random.pick(ids);
      await look(cluster.nodeAt(i), id, ledgers.get(id)!);
      await sleep(random.below(4));
    }
  };
  const lanes = Array.from({ length: LANE_COUNT }, (_, i) => lane(i));
  while (!isOver()) {
    await sleep(300 + random.below(1_500));
    await random.pick([...cluster.nodes]).restart("SIGKILL");
    killCount += 1;
  }
  await Promise.all(lanes);
  await cluster.stopAll();
  await cluster.startAll(); // A process that could not flush when it stopped reads its journal now.
  await sleep(2 * VIEW_FLUSH_SECONDS * 1000);
  const counts = await cluster.database.viewCounts.findMany(ids);

  const violations: string[] = [];
  let [started, completed, counted] = [0, 0, 0];
  for (const { id, viewCount } of counts) {
    const ledger = ledgers.get(id)!;
    started += ledger.started;
    completed += ledger.completed;
    counted += viewCount;
    if (viewCount < ledger.completed || viewCount > ledger.started)
      violations.push(
        `${id} has ${viewCount} views: ${ledger.completed} to ${ledger.started} would be right`,
      );
  }
  return {
    title: "Views while processes are killed and started again: each answered view is counted once",
    rows: [
      ["processes killed", "views requested", "answered", "counted"],
      [killCount, started, completed, counted],
    ],
    violations,
  };
}

/** Kills a process and deletes its journal. Checks that only the views since the last flush are lost. */
export async function loseDisk(cluster: Cluster, rounds: number): Promise<Check> {
  const check: Check = {
    title: `A process is killed and its disk is lost: at most the views of ${VIEW_FLUSH_SECONDS} seconds are lost`,
    rows: [["round", "answered", "answered in the last interval", "lost"]],
    violations: [],
  };
  for (let round = 0; round < rounds; round++) {
    const node = cluster.nodeAt(round);
    const [[id, ledger]] = [...(await givenPictures(cluster, 1))] as [[string, ViewLedger]];
    const answeredAtMs: number[] = [];
    const endAtMs = performance.now() + VIEW_FLUSH_SECONDS * 1000 * 2.6 + round * 300;
    while (performance.now() < endAtMs) {
      await look(node, id, ledger);
      answeredAtMs.push(performance.now());
      await sleep(5);
    }
    await node.stop("SIGKILL");
    const killedAtMs = performance.now();
    await rm(path.join(node.folder, "views"), { recursive: true });
    await node.start();
    const [record] = await cluster.database.viewCounts.findMany([id]);
    const lost = ledger.completed - record!.viewCount;
    const flushTakesMs = 250;
    const recent = answeredAtMs.filter(
      (at) => at > killedAtMs - VIEW_FLUSH_SECONDS * 1000 - flushTakesMs,
    ).length;
    check.rows.push([round + 1, ledger.completed, recent, lost]);
    if (lost > recent || lost < 0) check.violations.push(`round ${round + 1}: ${lost} views are lost`);
  }
  return check;
}

async function givenPictures(cluster: Cluster, count: number): Promise<Map<string, ViewLedger>> {
  const ledgers = new Map<string, ViewLedger>();
  for (let i = 0; i < count; i++) {
    const { mediaId } = await cluster.givenPicture(await sampleImages.flatPng(40, 40), cluster.nodeAt(i));
    ledgers.set(mediaId, new ViewLedger());
  }
  return ledgers;
}

/** Views a picture in this process, which may be killed before it answers. */
async function look(node: Node, id: string, ledger: ViewLedger): Promise<void> {
  ledger.started += 1;
  try {
    if ((await view(node.url, id)) === 200) ledger.completed += 1;
    else ledger.started -= 1; // The database did not answer, so the process refused the view and counted nothing.
  } catch {
    await sleep(50); // The process is down.
  }
}
