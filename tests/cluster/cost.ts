// What a request costs one process, and what it costs four together. Called by `cluster.ts`.
import { readFileSync } from "node:fs";
import http from "node:http";

import * as sampleImages from "../support/sample-images.ts";
import { Edge } from "../support/edge.ts";
import type { Check } from "./check.ts";
import type { Cluster, Node } from "./world.ts";

const CONNECTION_COUNT = 16;

/** One request in so many is a query of the graph; all others are pictures. */
const QUERY_EVERY = 10;

/** Linux counts in hundredths of a second. */
const TICK_MICROSECONDS = 10_000;

/** CPU time of the processes, user's and system's, for each request; in turns, so that what disturbs disturbs both. */
export async function compareCost(cluster: Cluster, requestCount: number, rounds: number): Promise<Check> {
  const one = await Edge.startNginx([cluster.nodeAt(0).port]);
  const pictures = [];
  for (let i = 0; i < 20; i++)
    pictures.push(await cluster.givenPicture(await sampleImages.flatPng(150, 150), cluster.nodeAt(i)));
  const ways = [
    { name: "one", url: one.url, nodes: cluster.nodes.slice(0, 1), times: [] as number[] },
    { name: "four", url: cluster.edge!.url, nodes: cluster.nodes, times: [] as number[] },
  ];
  for (const { url } of ways) await request(url, requestCount / 2, pictures); // Warms up.
  for (let round = 0; round < rounds; round++) {
    for (const { url, nodes, times } of ways) {
      const before = cpuMicroseconds(nodes);
      await request(url, requestCount, pictures);
      times.push((cpuMicroseconds(nodes) - before) / requestCount);
    }
  }
  await one.stop();
  const [ofOne, ofFour] = ways.map(({ times }) => medianOf(times)) as [number, number];
  return {
    title: `CPU time for each of ${requestCount} requests, nine pictures to one query of the graph (median of ${rounds})`,
    rows: [
      ["processes", "µs for a request", "ratio"],
      ["one", ofOne.toFixed(0), "1"],
      ["four", ofFour.toFixed(0), (ofFour / ofOne).toFixed(2)],
    ],
    violations: [], // It is a measurement: on a busy machine it says little.
  };
}

interface Shown {
  mediaId: string;
  token: string;
}

async function request(url: string, count: number, pictures: readonly Shown[]): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTION_COUNT });
  const query = JSON.stringify({
    query: "{ users(first: 10) { edges { node { username profilePicture { id viewCount } } } } }",
  });
  let left = count;
  const lane = async () => {
    for (let i = --left; i >= 0; i = --left) {
      const { mediaId, token } = pictures[i % pictures.length]!;
      if (i % QUERY_EVERY > 0) await send(`${url}/api/users/media/${mediaId}`, { agent });
      else {
        const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
        await send(`${url}/graphql`, { agent, method: "POST", headers }, query);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTION_COUNT }, lane));
  agent.destroy();
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
