// A database for tests to use: the embedded one in this very thread, or the second one, with a name of its own.
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

/** The second database's URI; undefined where the tests run on the embedded one. */
export function secondDatabaseUri(): string | undefined {
  return inject("mongodbUri");
}

/** Vitest does not transform what a worker thread loads, so the server runs in the thread of the test. */
export async function startEmbeddedInThread(file: string): Promise<EmbeddedMongo> {
  const { server, uri } = await EmbeddedMongoServer.start(file);
  return { uri, close: () => server.close() };
}

/** Configuration of a database that nobody else uses. */
export function freshDatabaseConfig(folder: string): DatabaseConfig {
  const uri = secondDatabaseUri();
  if (!uri) return { kind: "embedded", file: path.join(folder, "database", "letsapp.sqlite") };
  return { kind: "mongodb", uri: withDatabase(uri, `test_${randomBytes(6).toString("hex")}`) };
}

/** A connection of the plain driver to a database of its own. */
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
