// Gives a test a fresh database: the embedded one in the test's own thread, or a new one on the second database server.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import mongoose from "mongoose";
import { inject } from "vitest";

import type { DatabaseConfig } from "../../src/config/config.ts";
import type { EmbeddedMongo } from "../../src/embedded-mongo/start.ts";
import { EmbeddedMongoServer } from "../../src/embedded-mongo/server.ts";
import { withDatabase } from "./test-database.ts";

/** The URI of the second database server; undefined when the tests run on the embedded database. */
export function secondDatabaseUri(): string | undefined {
  return inject("mongodbUri");
}

/** Vitest does not transform modules that a worker thread loads, so this server runs in the test's thread. */
export async function startEmbeddedInThread(file: string): Promise<EmbeddedMongo> {
  const { server, uri } = await EmbeddedMongoServer.start(file);
  return { uri, close: () => server.close() };
}

/** The configuration of a database that no other test uses. */
export function freshDatabaseConfig(folder: string): DatabaseConfig {
  const uri = secondDatabaseUri();
  if (!uri) return { kind: "embedded", file: path.join(folder, "database", "letsapp.sqlite") };
  return { kind: "mongodb", uri: withDatabase(uri, `test_${randomBytes(6).toString("hex")}`) };
}

/** Connects the plain driver to a database that no other test uses. `close()` removes the database. */
export async function connectToFreshDatabase(): Promise<{
  db: mongoose.mongo.Db;
  close: () => Promise<void>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), "letsapp-test-"));
  const config = freshDatabaseConfig(folder);
  const embedded =
    config.kind === "embedded" ? await startEmbeddedInThread(path.join(folder, "test.sqlite")) : null;
  const uri = config.kind === "embedded" ? embedded!.uri : config.uri;
  const client = await new mongoose.mongo.MongoClient(uri).connect();
  const db = embedded ? client.db("test") : client.db();
  return {
    db,
    async close() {
      if (!embedded) await db.dropDatabase();
      await client.close();
      await embedded?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
