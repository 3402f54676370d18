// Sends random GraphQL operations one after another, and checks their responses and the cost of each.
import { buildSchema, getIntrospectionQuery, type GraphQLSchema } from "graphql";

import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { OperationMaker } from "../support/random-operations.ts";
import { resourcesOfAll } from "../support/resources.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { Random } from "./random.ts";

/** Limit for the processor time of one operation, a little above the figure in SECURITY.md. */
const MAX_CPU_MS = 250;

/** Operations whose cost is not checked: a cold process also spends processor time on compiling. */
const WARM_UP_COUNT = 50;

/** Limit for the growth of the resident set over all operations. */
const MAX_GROWTH_MIB = 150;

const USER_COUNT = 300;

/** Error codes for mistakes of the client. */
const clientCodes = new Set([
  "BAD_USER_INPUT",
  "FORBIDDEN",
  "GRAPHQL_VALIDATION_FAILED",
  "MEDIA_NOT_FOUND",
  "UNAUTHENTICATED",
  "USER_NOT_FOUND",
]);

export interface OperationFinding {
  seed: number;
  what: string;
}

export interface OperationReport {
  findings: OperationFinding[];
  counts: Map<string, number>;
  dearest: { cpuMs: number; seed: number };
  growthMiB: number;
}

export async function fuzzOperations(
  server: ServerProcess,
  instanceDir: string,
  token: string,
  { seed, count }: { seed: number; count: number },
): Promise<OperationReport> {
  const ids = await givenUsers(instanceDir);
  const schema = buildSchema(await (await fetch(`${server.url}/schema.graphql`)).text());
  const report: OperationReport = {
    findings: [],
    counts: new Map(),
    dearest: { cpuMs: 0, seed: -1 },
    growthMiB: 0,
  };
  await post(server, token, { query: getIntrospectionQuery() });
  const before = resourcesOfAll(server.child.pid!);
  for (let run = 0; run < count; run++) {
    const operationSeed = seed * 7_000_003 + run;
    const operation = makeOperation(schema, operationSeed, ids);
    const startedAt = resourcesOfAll(server.child.pid!)?.cpuMs ?? 0;
    const { status, body } = await post(server, run % 3 === 0 ? undefined : token, operation);
    const cpuMs = (resourcesOfAll(server.child.pid!)?.cpuMs ?? 0) - startedAt;
    const note = (what: string) => report.findings.push({ seed: operationSeed, what });
    const code = body.errors?.[0]?.extensions?.code ?? "OK";
    report.counts.set(code, (report.counts.get(code) ?? 0) + 1);
    const foreign = (body.errors ?? []).filter(({ extensions }) => !clientCodes.has(extensions.code));
    if (status >= 500 || foreign.length > 0) note(`answered ${status}: ${JSON.stringify(body.errors)}`);
    if (run < WARM_UP_COUNT) continue;
    if (cpuMs > report.dearest.cpuMs) report.dearest = { cpuMs, seed: operationSeed };
    if (cpuMs > MAX_CPU_MS) note(`took ${cpuMs} ms of processor time: ${operation.query}`);
  }
  report.growthMiB = (resourcesOfAll(server.child.pid!)?.residentMiB ?? 0) - (before?.residentMiB ?? 0);
  if (report.growthMiB > MAX_GROWTH_MIB)
    report.findings.push({ seed, what: `the process grew by ${report.growthMiB.toFixed(0)} MiB` });
  return report;
}

function makeOperation(schema: GraphQLSchema, seed: number, ids: readonly string[]) {
  return new OperationMaker(schema, new Random(seed), ids, ["1", "30", "100"]).make();
}

/** Creates users with pictures, as in a large service. @returns ids of some users and of their pictures */
async function givenUsers(instanceDir: string): Promise<string[]> {
  const database = await Database.openBeside(loadConfig({ INSTANCE_DIR: instanceDir }).database);
  const users = Array.from({ length: USER_COUNT }, (_, i) => ({
    username: `Person ${i} Ünï`,
    email: `person${i}@example.com`,
    password: "none",
    created_at: new Date(),
    is_active: true,
  }));
  const { insertedIds } = await database.connection.collection("users").insertMany(users);
  const media = Object.values(insertedIds).map((uploaderId, i) => ({
    filename: `${i.toString(16).padStart(32, "0")}.jpg`,
    original_filename: "photo.jpg",
    file_size: 1000,
    media_type: "image",
    mime_type: "image/jpeg",
    uploader_id: uploaderId,
    width: 1200,
    height: 800,
    created_at: new Date(),
    view_count: i,
    is_deleted: false,
    status: "ready",
    etag: `etag${i}`,
    placeholder: withLastByte("1RcKLwZSuGlfeHeimWeIp4eJyFBZDZcD", i),
    dominant_color: "#336699",
  }));
  const { insertedIds: mediaIds } = await database.connection.collection("media").insertMany(media);
  for (const [i, id] of Object.values(mediaIds).entries())
    await database.connection
      .collection("users")
      .updateOne({ _id: insertedIds[i]! }, { $set: { profile_picture: id } });
  await database.close();
  return [0, 1, 2].flatMap((i) => [String(insertedIds[i]), String(mediaIds[i])]);
}

/** Returns a thumb hash that differs for each `byte`. */
function withLastByte(thumbHash: string, byte: number): string {
  const bytes = Buffer.from(thumbHash, "base64");
  bytes[bytes.length - 1] = byte & 0xff;
  return bytes.toString("base64");
}

interface Answer {
  errors?: { extensions: { code: string } }[];
}

async function post(server: ServerProcess, token: string | undefined, operation: object) {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(operation),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}
