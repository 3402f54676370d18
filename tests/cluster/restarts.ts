// Restarts processes one after another while users send requests through nginx.
import { Random } from "../fuzz/random.ts";
import * as sampleImages from "../support/sample-images.ts";
import type { Check } from "./check.ts";
import { sleep, upload, view, type Cluster, type Person } from "./world.ts";

const VIEWER_COUNT = 6;
const READER_COUNT = 3;
const UPLOADER_COUNT = 3;

/** Uploads of each user, as many as the limit for a minute. */
const UPLOADS_EACH = 5;

/**
 * Number of requests that may fail in a whole rolling restart. The kernel cuts a connection that it makes just when a
 * process stops listening, and nginx does not send a POST twice. This is rare, even on an overloaded machine.
 */
const CUT_AT_MOST = 1;

/** Requests of one kind: the number under way, and the outcomes. */
interface Kind {
  underWay: number;
  answered: number;
  failures: string[];
}

export async function restartOneByOne(cluster: Cluster, random: Random): Promise<Check> {
  const check: Check = {
    title: "Requests that failed in a rolling restart under load, through nginx",
    rows: [
      [
        "each process",
        "views",
        "failed",
        "queries",
        "failed",
        "uploads",
        "failed",
        "POSTs under way at a kill",
      ],
    ],
    violations: [],
  };
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const traffic = await Traffic.start(cluster, random);
    let underWay = 0;
    for (const node of cluster.nodes) {
      await sleep(500);
      if (signal === "SIGKILL") underWay += traffic.postsUnderWay;
      await node.restart(signal);
    }
    await sleep(500);
    const { views, queries, uploads } = await traffic.stop();
    const failures = [views, queries, uploads].flatMap((kind) => kind.failures);
    check.rows.push([
      signal === "SIGTERM" ? "gets SIGTERM" : "is killed",
      ...[views, queries, uploads].flatMap((kind) => [kind.answered, kind.failures.length]),
      underWay,
    ]);
    const mayFail = signal === "SIGTERM" ? CUT_AT_MOST : underWay;
    if (failures.length > mayFail || views.failures.length > 0)
      check.violations.push(
        `${signal}: ${failures.length} failed, ${underWay} were under way: ${tally(failures)}`,
      );
  }
  return check;
}

/** Users who view pictures, send queries and upload until `stop()`. */
class Traffic {
  readonly views: Kind = { underWay: 0, answered: 0, failures: [] };
  readonly queries: Kind = { underWay: 0, answered: 0, failures: [] };
  readonly uploads: Kind = { underWay: 0, answered: 0, failures: [] };
  #isOver = false;
  #lanes: Promise<void>[] = [];

  static async start(cluster: Cluster, random: Random): Promise<Traffic> {
    const traffic = new Traffic();
    const { url } = cluster.edge!;
    const people: (Person & { mediaId: string })[] = [];
    for (let i = 0; i < 8; i++)
      people.push(await cluster.givenPicture(await sampleImages.flatPng(40, 40), cluster.nodeAt(i)));
    const bytes = await sampleImages.flatPng(60, 60);
    const lane = (kind: Kind, act: () => Promise<string | null>) =>
      traffic.#lanes.push(traffic.#repeat(kind, act));
    for (let i = 0; i < VIEWER_COUNT; i++)
      lane(traffic.views, async () => {
        const status = await view(url, random.pick(people).mediaId);
        return status === 200 ? null : `${status}`;
      });
    for (let i = 0; i < READER_COUNT; i++) lane(traffic.queries, () => query(url, random.pick(people).token));
    for (let i = 0; i < UPLOADER_COUNT; i++) {
      let [person, left]: [Person | null, number] = [null, 0];
      lane(traffic.uploads, async () => {
        if (left === 0) [person, left] = [await cluster.givenPerson(), UPLOADS_EACH];
        left -= 1;
        return (await upload(url, person!, bytes)).code;
      });
    }
    return traffic;
  }

  /** Number of POST requests under way in all processes. nginx retries pictures on another process, but not these. */
  get postsUnderWay(): number {
    return this.queries.underWay + this.uploads.underWay;
  }

  async stop(): Promise<this> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
    return this;
  }

  async #repeat(kind: Kind, act: () => Promise<string | null>): Promise<void> {
    while (!this.#isOver) {
      kind.underWay += 1;
      try {
        const failure = await act();
        if (failure === null) kind.answered += 1;
        else kind.failures.push(failure);
      } catch (error) {
        kind.failures.push(String((error as Error).cause ?? error));
      }
      kind.underWay -= 1;
      await sleep(5);
    }
  }
}

async function query(url: string, token: string): Promise<string | null> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "{ me { profilePicture { id viewCount } } }" }),
  });
  const text = await response.text();
  return response.status === 200 && !text.includes('"errors"')
    ? null
    : `${response.status} ${text.slice(0, 80).replaceAll(/\s+/g, " ")}`;
}

/** Lists each distinct failure with its count. */
function tally(failures: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const failure of failures) counts.set(failure, (counts.get(failure) ?? 0) + 1);
  return [...counts].map(([failure, count]) => `${count} × ${failure}`).join(", ");
}
