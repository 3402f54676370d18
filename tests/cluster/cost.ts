// Compares the processor time of a request in one process with that in four.
import { readFileSync } from "node:fs";
import http from "node:http";

import { Edge } from "../support/edge.ts";
import * as sampleImages from "../support/sample-images.ts";
import type { Check } from "./check.ts";
import { sleep, type Cluster, type Node } from "./world.ts";

/** Rate of each process, the same for one as for four, because a busier process spends less on each request. */
const REQUESTS_PER_SECOND = 250;

/** Every `QUERY_EVERY`-th request is a GraphQL query; all others are pictures. */
const QUERY_EVERY = 10;

/** Until a process is warm, its code is not compiled and a request costs several times as much. */
const WARM_UP_SECONDS = 12;

/** The unit in which Linux counts processor time. */
const TICK_MICROSECONDS = 10_000;

const QUERY = JSON.stringify({
  query: "{ users(first: 10) { edges { node { username profilePicture { id viewCount } } } } }",
});

interface Shown {
  mediaId: string;
  token: string;
}

/** Measures user and system CPU time for each request. The two sides take turns, so that disturbances affect both. */
export async function compareCost(cluster: Cluster, seconds: number, rounds: number): Promise<Check> {
  const one = await Edge.startNginx([cluster.nodeAt(0).port]);
  const pictures: Shown[] = [];
  for (let i = 0; i < 20; i++)
    pictures.push(await cluster.givenPicture(await sampleImages.flatPng(150, 150), cluster.nodeAt(i)));
  const ways = [
    { url: one.url, nodes: cluster.nodes.slice(0, 1), times: [] as number[] },
    { url: cluster.edge!.url, nodes: cluster.nodes, times: [] as number[] },
  ];
  const work = async ({ url, nodes }: (typeof ways)[number], forSeconds: number) => {
    const before = cpuMicroseconds(nodes);
    const count = await request(url, REQUESTS_PER_SECOND * nodes.length, forSeconds, pictures);
    return (cpuMicroseconds(nodes) - before) / count;
  };
  for (const way of ways) await work(way, Math.min(WARM_UP_SECONDS, 3 * seconds));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) way.times.push(await work(way, seconds));
  }
  await one.stop();
  const [ofOne, ofFour] = ways.map(({ times }) => medianOf(times)) as [number, number];
  return {
    title: `CPU time of a request, with nine pictures for each GraphQL query (median of ${rounds} times ${seconds} s)`,
    rows: [
      ["processes", "requests a second", "µs per request", "ratio"],
      ["one", REQUESTS_PER_SECOND, ofOne.toFixed(0), "1"],
      ["four", REQUESTS_PER_SECOND * 4, ofFour.toFixed(0), (ofFour / ofOne).toFixed(2)],
    ],
    violations: [], // Only a measurement, which says little on a busy machine.
  };
}

/** Sends requests at a fixed rate. @returns the number of requests that were sent and answered */
async function request(
  url: string,
  perSecond: number,
  seconds: number,
  pictures: readonly Shown[],
): Promise<number> {
  const agent = new http.Agent({ keepAlive: true });
  const answers: Promise<void>[] = [];
  const startedAtMs = performance.now();
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedAtMs) / 1000) {
    for (let i = answers.length; i < elapsed * perSecond; i++) {
      const { mediaId, token } = pictures[i % pictures.length]!;
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      answers.push(
        i % QUERY_EVERY === 0
          ? send(`${url}/graphql`, { agent, method: "POST", headers }, QUERY)
          : send(`${url}/api/users/media/${mediaId}`, { agent }),
      );
    }
    await sleep(1);
  }
  await Promise.all(answers);
  agent.destroy();
  return answers.length;
}

function send(url: string, options: http.RequestOptions, body?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} was answered ${response.statusCode}`));
      response.resume().on("end", resolve);
    });
    sent.on("error", reject).end(body);
  });
}

/** Source: proc(5), fields 14 and 15 of /proc/PID/stat. */
function cpuMicroseconds(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { server }) => {
    const [user, system] = readFileSync(`/proc/${server.child.pid}/stat`, "utf8")
      .split(") ")[1]!
      .split(" ")
      .slice(11, 13);
    return sum + (Number(user) + Number(system)) * TICK_MICROSECONDS;
  }, 0);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
