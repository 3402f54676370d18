import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { DatabaseSync } from "@photostructure/sqlite";
import mongoose from "mongoose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { EmbeddedMongoServer } from "../../../src/embedded-mongo/server.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-embedded-"));
  file = path.join(folder, "test.sqlite");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function socketOf(uri: string): string {
  return decodeURIComponent(new URL(uri).host);
}

async function withDatabase<Result>(
  work: (db: mongoose.mongo.Db, uri: string) => Promise<Result>,
): Promise<Result> {
  const { server, uri } = await EmbeddedMongoServer.start(file);
  const client = await new mongoose.mongo.MongoClient(uri).connect();
  try {
    return await work(client.db("test"), uri);
  } finally {
    await client.close();
    await server.close();
  }
}

/** Sends bytes and resolves to the bytes that the server sends before it ends the connection. */
function exchange(uri: string, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(socketOf(uri));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks)));
    socket.end(bytes);
  });
}

describe("the embedded database", () => {
  it("keeps its documents and indexes across a restart", async () => {
    await withDatabase(async (db) => {
      await db.collection("people").createIndex({ name: 1 }, { unique: true });
      await db.collection("people").insertOne({ name: "ada" });
    });

    await withDatabase(async (db) => {
      expect(await db.collection("people").countDocuments({ name: "ada" })).toBe(1);
      await expect(db.collection("people").insertOne({ name: "ada" })).rejects.toMatchObject({ code: 11000 });
    });
  });

  it("refuses to open a file that another process has locked", async () => {
    await withDatabase(async () => {
      await expect(EmbeddedMongoServer.start(file)).rejects.toThrow("is locked by another process");
    });
  });

  it("refuses a file of a newer format, and leaves it unchanged", async () => {
    await withDatabase((db) => db.collection("people").insertOne({ name: "ada" }));
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 99");
    database.close();

    await expect(EmbeddedMongoServer.start(file)).rejects.toThrow(
      "has format 99; this version of the program reads",
    );

    const after = new DatabaseSync(file);
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    after.close();
  });

  it("listens in a folder that only its own user can open, and removes that folder", async () => {
    const socketFolder = await withDatabase(async (_db, uri) => {
      const socketFolder = path.dirname(socketOf(uri));
      expect((await stat(socketFolder)).mode & 0o777).toBe(0o700);
      return socketFolder;
    });

    await expect(stat(socketFolder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("refuses to open a file in a folder that does not exist", async () => {
    await expect(EmbeddedMongoServer.start(path.join(folder, "missing", "test.sqlite"))).rejects.toThrow();
  });

  it.each([
    ["text", Buffer.from("GET / HTTP/1.1\r\nHost: here\r\n\r\n")],
    ["a length of zero", Buffer.alloc(16)],
    ["a length of 2 GiB", Buffer.from([0xff, 0xff, 0xff, 0x7f, ...Buffer.alloc(12)])],
    ["an unknown operation", Buffer.from([20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0])],
    [
      "a truncated document",
      Buffer.from([26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 1]),
    ],
  ])("ends a connection that sends %s, and serves the other connections", async (_what, bytes) => {
    await withDatabase(async (db, uri) => {
      expect(await exchange(uri, bytes)).toEqual(Buffer.alloc(0));

      expect(await db.command({ ping: 1 })).toMatchObject({ ok: 1 });
    });
  });

  it("aborts a query after its maxTimeMS", async () => {
    await withDatabase(async (db) => {
      const documents = Array.from({ length: 20_000 }, (_, n) => ({ n, text: "x".repeat(100) }));
      await db.collection("many").insertMany(documents);

      const slow = db.collection("many").find({ n: -1 }, { maxTimeMS: 1 });

      await expect(slow.toArray()).rejects.toMatchObject({ code: 50 });
    });
  });
});
