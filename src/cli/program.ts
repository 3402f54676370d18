// The frame of the operator's programs: reads the service's environment, opens its database and storage, also while the
// service runs, and reports each error in one line.
import type { FastifyBaseLogger } from "fastify";

import { ConfigError, loadConfig, type Config } from "../config/config.ts";
import { Database } from "../database/connection.ts";
import { mediaTag, userTag } from "../domain/cache-tags.ts";
import { withCause } from "../errors.ts";
import { CdnPurge } from "../jobs/cdn-purge.ts";
import { createLog } from "../runtime/log.ts";
import { Changes } from "../services/changes.ts";
import { PictureLifecycle } from "../services/picture-lifecycle.ts";
import { createStorageWithFallback } from "../storage/create-storage.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface ProgramParts {
  config: Config;
  database: Database;
  lifecycle: PictureLifecycle;
  storage: ObjectStorage;
  /** Purges from the CDN every picture that `lifecycle` hides; null if CDN_PURGE_URL is not set. */
  cdnPurge: CdnPurge | null;
  /** Writes to standard error, so that standard output has only the program's result. */
  log: FastifyBaseLogger;
}

/**
 * Runs a program and exits with the status that it resolves to: at least 1 if a purge failed, 2 if the program threw.
 *
 * @param usage shown when the arguments are wrong
 */
export async function runProgram(
  usage: string,
  program: (parts: ProgramParts) => Promise<number>,
): Promise<never> {
  let database: Database | undefined;
  let cdnPurge: CdnPurge | null = null;
  try {
    const config = loadConfig(process.env);
    database = await Database.openBeside(config.database);
    const log = createLog(config.logLevel, process.stderr);
    const storage = await createStorageWithFallback(config);
    cdnPurge = config.purge && new CdnPurge(config.purge, log);
    const changes = new Changes();
    changes.on("pictureHidden", (id) => cdnPurge?.purge(mediaTag(id)));
    changes.on("userChanged", (id) => cdnPurge?.purge(userTag(id)));
    const lifecycle = new PictureLifecycle(database, changes);
    const status = await program({ config, database, lifecycle, storage, cdnPurge, log });
    const notPurgedCount = (await cdnPurge?.close()) ?? 0;
    await database.close();
    if (notPurgedCount > 0) console.error(notPurged(notPurgedCount));
    process.exit(notPurgedCount > 0 ? Math.max(status, 1) : status);
  } catch (error) {
    await cdnPurge?.close();
    await database?.close();
    const problems = error instanceof ConfigError ? error.problems : [withCause(error as Error)];
    for (const problem of problems) console.error(`letsapp: ${problem}`);
    if (isAboutArguments(error)) console.error(usage);
    process.exit(2);
  }
}

function notPurged(count: number): string {
  const what = count === 1 ? "1 tag" : `${count} tags`;
  const advice = "The CDN may still show deleted pictures. Purge its cache by hand.";
  return `letsapp: ${what} could not be purged from the CDN. ${advice}`;
}

/** Reports wrong command-line arguments. */
export class UsageError extends Error {}

function isAboutArguments(error: unknown): boolean {
  return (
    error instanceof UsageError || String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS")
  );
}
