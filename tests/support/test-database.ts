// Where to find a database that nobody here wrote: `MONGODB_TEST_URI`, or the one that
// `tests/documentdb/documentdb.sh install` has put into a cache folder.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

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
