// Four processes of the built program on one database and one bucket, behind nginx, with users who send requests.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { AccessTokens } from "../../src/auth/access-token.ts";
import { parseStorageUrl } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { createStorage } from "../../src/storage/create-storage.ts";
import type { ObjectStorage } from "../../src/storage/object-storage.ts";
import { Edge, isInstalled as isEdgeInstalled } from "../support/edge.ts";
import { BUCKET, credentials, isInstalled, ObjectStore } from "../support/object-stores.ts";
import { freePort } from "../support/ports.ts";
import { ServerProcess } from "../support/server-process.ts";
import { startTestDatabase, withDatabase } from "../support/test-database.ts";
import { postPicture } from "../support/rest-client.ts";

export const NODE_COUNT = 4;
export const VIEW_FLUSH_SECONDS = 2;

const secret = randomBytes(32).toString("base64url");

/** A process of the service, which keeps its port and its folder when it is started again. */
export class Node {
  server!: ServerProcess;
  /** Errors that the processes of this node logged, and the times of their starts, stops and signals. */
  readonly log: string[] = [];

  constructor(
    readonly port: number,
    readonly folder: string,
    readonly env: Record<string, string>,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.server = await ServerProcess.start({
      ...this.env,
      PORT: String(this.port),
      INSTANCE_DIR: this.folder,
    });
    this.#note("has started");
  }

  /** @throws Error when the process does not end with status 0 after SIGTERM */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#note(signal);
    const { code, stdout, stderr } = await this.server.stop(signal);
    this.#note(`has ended with ${code}`);
    this.log.push(...stdout.split("\n").filter((line) => line.startsWith("{")));
    if (signal === "SIGTERM" && code !== 0)
      throw new Error(`a process that was told to stop ended with ${code}: ${stderr}${stdout}`);
  }

  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  #note(event: string): void {
    this.log.push(`${new Date().toISOString()} ${this.port} ${event}`);
  }

  /** Reads one value from the metrics; 0 when there is none. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `));
    return Number(line?.split(" ").at(-1) ?? 0);
  }
}

export interface Person {
  userId: string;
  token: string;
}

export interface Uploaded {
  /** The error code; null when the picture was stored. */
  code: string | null;
  mediaId: string | null;
}

export class Cluster {
  private constructor(
    readonly nodes: readonly Node[],
    readonly database: Database,
    readonly storage: ObjectStorage,
    /** nginx in front of all nodes; null when it is not installed. */
    readonly edge: Edge | null,
    /** Describes the database, storage and proxy in use. */
    readonly stands: string,
    readonly onStop: () => Promise<void>,
  ) {}

  static async start(): Promise<Cluster> {
    const folder = await mkdtemp(path.join(tmpdir(), "letsapp-cluster-"));
    const server = await startTestDatabase();
    const uri = withDatabase(server.uri, `cluster_${randomBytes(6).toString("hex")}`);
    const bucket = isInstalled("s3") ? await ObjectStore.start("s3") : null;
    const storageUrl = bucket
      ? `s3://${BUCKET}?region=us-east-1&endpoint=http://127.0.0.1:${bucket.port}`
      : `file://${folder}/pictures`;
    const env = {
      MONGODB_URI: uri,
      STORAGE_URL: storageUrl,
      JWT_SECRET: secret,
      VIEW_FLUSH_SECONDS: String(VIEW_FLUSH_SECONDS),
      MEDIA_MAX_AGE_SECONDS: "0", // nginx keeps nothing, so that a process answers each view.
      TRUST_PROXY: "loopback",
      LOG_LEVEL: "error",
      ...credentials,
    };
    const ports: number[] = [];
    for (let i = 0; i < NODE_COUNT; i++) ports.push(await freePort());
    const nodes = ports.map((port, i) => new Node(port, path.join(folder, `node${i}`), env));
    const edge = isEdgeInstalled("nginx") ? await Edge.startNginx(ports) : null;
    await Promise.all(nodes.map((node) => node.start())); // All processes create the same indexes.
    const database = await Database.openBeside({ kind: "mongodb", uri });
    const storage = await createStorage(parseStorageUrl(storageUrl)!);
    const { version } = await database.connection.db!.command({ buildInfo: 1 });
    const stands = `MongoDB protocol ${version as string}, ${bucket ? "an S3 server" : "a folder"}, ${edge ? "nginx" : "no proxy"}`;
    return new Cluster(nodes, database, storage, edge, stands, async () => {
      await Promise.allSettled(nodes.map((node) => node.stop())); // A process may be gone already after a failed check.
      await edge?.stop();
      await database.connection.dropDatabase();
      await database.close();
      await bucket?.stop();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    });
  }

  stop(): Promise<void> {
    return this.onStop();
  }

  nodeAt(index: number): Node {
    return this.nodes[index % this.nodes.length]!;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async restartAll(signal: NodeJS.Signals): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.restart(signal)));
  }

  /** Creates a user and issues a token. */
  async givenPerson(): Promise<Person> {
    const name = randomBytes(8).toString("hex");
    const user = await this.database.users.create({
      username: name,
      email: `${name}@example.com`,
      passwordHash: "none",
    });
    const token = await new AccessTokens({ kind: "shared-secret", secret }, 0).issue(user.id);
    return { userId: user.id, token };
  }

  async givenPicture(bytes: Buffer, node = this.nodeAt(0)): Promise<Person & { mediaId: string }> {
    const person = await this.givenPerson();
    const { mediaId, code } = await upload(node.url, person, bytes);
    if (!mediaId) throw new Error(`an upload was answered ${code}`);
    return { ...person, mediaId };
  }

  /** Records of all pictures that the user has ever uploaded. */
  recordsOf({ userId }: Person) {
    return this.database.upkeep.examineUploads(userId);
  }

  /** The logs of all nodes, which help to explain a violation. */
  get log(): string {
    return this.nodes.flatMap(({ log }) => log).join("\n");
  }
}

/** @param url base URL of a node or of nginx */
export async function upload(url: string, person: Person, bytes: Buffer): Promise<Uploaded> {
  const response = await postPicture(url, person, bytes);
  const text = await response.text();
  if (!response.headers.get("content-type")?.includes("json"))
    return { code: `${response.status}`, mediaId: null };
  const { code = null, media_id: mediaId = null } = JSON.parse(text);
  return { code, mediaId };
}

export async function deletePicture(url: string, { userId, token }: Person): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/users/${userId}/profile-picture`, { method: "DELETE", headers });
  await response.arrayBuffer();
  return response.status;
}

/** @returns the status, once the whole picture has arrived */
export async function view(url: string, mediaId: string, query = ""): Promise<number> {
  const response = await fetch(`${url}/api/users/media/${mediaId}${query}`);
  await response.arrayBuffer();
  return response.status;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
