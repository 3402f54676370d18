// Baseline for an upload: receives the form, does the image work, and makes the same things durable as the service: two
// files and one record. Runs as a separate process, reads the data folder from its first argument and prints its
// address.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { DatabaseSync } from "@photostructure/sqlite";
import busboy from "busboy";

import { workOnPicture } from "./image-work.ts";

const { folder } = JSON.parse(process.argv[2]!) as { folder: string };
mkdirSync(folder, { recursive: true });
const database = new DatabaseSync(path.join(folder, "records.sqlite"));
database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
database.exec("CREATE TABLE records (name TEXT PRIMARY KEY, type TEXT, bytes INTEGER)");
const insert = database.prepare("INSERT INTO records VALUES (?, ?, ?)");
process.once("exit", () => database.close()); // The statement does not keep the database from being garbage-collected.

const server = http.createServer((request, response) => {
  const form = busboy({ headers: request.headers });
  form.on("file", (_field, file, { mimeType }) => {
    void receive(file, mimeType).then((name) => response.end(JSON.stringify({ name })));
  });
  request.pipe(form);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

/** @returns the name of the stored file */
async function receive(file: Readable, mimeType: string): Promise<string> {
  const bytes = await buffer(file);
  const name = randomBytes(16).toString("hex");
  const thumbnail = await workOnPicture(bytes);
  await Promise.all([store(name, bytes), store(`thumb_${name}`, thumbnail)]);
  insert.run(name, mimeType, bytes.length);
  return name;
}

async function store(name: string, bytes: Buffer): Promise<void> {
  const file = path.join(folder, name);
  const handle = await open(`${file}.part`, "wx");
  await handle.writeFile(bytes);
  await handle.sync();
  await handle.close();
  await rename(`${file}.part`, file);
  const entry = await open(folder);
  await entry.sync();
  await entry.close();
}
