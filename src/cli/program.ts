// What the operator's programs have in common: they read the same environment as the service, open its database, beside
// it where it runs, and its storage, and say in one line what is wrong.
import Fastify, { type FastifyBaseLogger } from "fastify";

import { ConfigError, loadConfig, type Config } from "../config.ts";
import { Database } from "../database/connection.ts";
import { EdgePurge } from "../jobs/edge-purge.ts";
import { createStorages } from "../storage/create-storage.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface Parts {
  config: Config;
  database: Database;
  storage: ObjectStorage;
  /** Hears by itself of what the repositories hide. */
  edge: EdgePurge | null;
  /** Writes to standard error, so that standard output is the program's alone. */
  log: FastifyBaseLogger;
}

/**
 * Runs a program and ends the process with the status that it resolves to; with 2 where it cannot be run.
 *
 * @param usage shown where the arguments are wrong
 */
export async function runProgram(usage: string, program: (parts: Parts) => Promise<number>): Promise<never> {
  let database: Database | undefined;
  try {
    const config = loadConfig(process.env);
    database = await Database.openBeside(config.database);
    const { log } = Fastify({ logger: { level: config.logLevel, stream: process.stderr } });
    const storage = await createStorages(config);
    const edge = config.purge && new EdgePurge(config.purge, database, log);
    const status = await program({ config, database, storage, edge, log });
    await edge?.close();
    await database.close();
    process.exit(status);
  } catch (error) {
    await database?.close();
    const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
    for (const problem of problems) console.error(`letsapp: ${problem}`);
    if (error instanceof UsageError) console.error(usage);
    process.exit(2);
  }
}

/** The arguments are wrong. */
export class UsageError extends Error {}
