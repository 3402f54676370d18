// Finds the second database server: the one at `MONGODB_TEST_URI`, or the DocumentDB that
// `tests/documentdb/documentdb.sh install` has put into a cache folder.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

export type TestDatabase = { uri: string } | { script: string } | { missing: string };

export function findTestDatabase(): TestDatabase {
  const uri = process.env.MONGODB_TEST_URI;
  if (uri) return { uri };
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache");
  const home = process.env.LETSAPP_DOCUMENTDB_DIR ?? path.join(cache, "letsapp-documentdb");
  if (!existsSync(path.join(home, "installed"))) {
    return { missing: "MONGODB_TEST_URI is not set, and tests/documentdb/documentdb.sh has installed none." };
  }
  if (process.getuid?.() !== 0) return { missing: "DocumentDB is installed, but starting it needs root." };
  return { script: path.resolve("tests/documentdb/documentdb.sh") };
}

/** Starts DocumentDB unless `MONGODB_TEST_URI` is set. @throws Error that says what is missing */
export async function startTestDatabase(): Promise<{ uri: string; stop: () => Promise<void> }> {
  const database = findTestDatabase();
  if ("uri" in database) return { uri: database.uri, stop: async () => {} };
  if ("missing" in database) throw new Error(database.missing);
  const server = spawn(database.script, ["run"], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise((resolve) => server.once("exit", resolve));
  const uri = await new Promise<string>((resolve, reject) => {
    createInterface(server.stdout).once("line", resolve);
    void exited.then(() => reject(new Error("DocumentDB did not start")));
  });
  return {
    uri,
    async stop() {
      server.stdin.end();
      await exited;
    },
  };
}

/** The URI of the database `name` on the same server. */
export function withDatabase(uri: string, name: string): string {
  const url = new URL(uri);
  url.pathname = `/${name}`;
  return url.href;
}
