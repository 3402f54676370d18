// The entry of the process: reads the environment, starts the service, prints its addresses, and stops on a signal.
import { constants } from "node:fs";
import { access } from "node:fs/promises";

import { ConfigError, describeStorage, loadConfig, type Config } from "./config/config.ts";
import { forbidCodeFromStrings } from "./lockdown.ts";
import { makeFolder } from "./runtime/files.ts";

// Unless NODE_ENV is "production" when graphql-js is loaded, its type checks also look for objects of another copy of
// graphql-js. This takes half of the time of a list query.
process.env.NODE_ENV ??= "production";
const { createApp } = await import("./app.ts");

// Formatting a stack with source maps takes milliseconds, and one request can cause a hundred errors.
process.setSourceMapsEnabled(false);

/** How long the process may take to stop after a signal. */
const STOP_TIMEOUT_MS = 15_000;

/**
 * Receives SIGTERM and SIGINT (Ctrl+C). The first signal after the call of `wait()` resolves its promise. Every other
 * signal ends the process at once.
 */
class StopSignal {
  #tell: (() => void) | null = null;

  constructor() {
    process.on("SIGTERM", () => this.#take()).on("SIGINT", () => this.#take());
  }

  /** Resolves at the next signal. Before this call, a signal ends the process at once, because no work can be lost. */
  wait(): Promise<void> {
    return new Promise((resolve) => (this.#tell = resolve));
  }

  #take(): void {
    if (!this.#tell) process.exit(1);
    this.#tell();
    this.#tell = null;
    setTimeout(
      () => fail(["Stopping took too long. The process ends before all work is done."]),
      STOP_TIMEOUT_MS,
    ).unref();
  }
}

try {
  const stopSignal = new StopSignal();
  const config = loadConfig(process.env);
  await assertWritable(config.instanceDir);
  const app = await createApp(config, { onFatal: (error) => fail([error.message]) });
  // graphql-js leaves a rejection unhandled when one item of a list fails at once and another one later. The client
  // gets its answer, but without this listener the rejection would end the process.
  process.on("unhandledRejection", (error) =>
    app.server.log.error({ err: error }, "unhandled promise rejection"),
  );
  const toldToStop = stopSignal.wait();
  const address = await app.start().catch(async (error: unknown) => {
    await app.stop();
    throw error;
  });
  forbidCodeFromStrings();
  console.log(banner(config, config.http.publicUrl ?? address));
  await toldToStop;
  await app.stop();
  process.exit(0);
} catch (error) {
  fail(error instanceof ConfigError ? error.problems : [explain(error as NodeJS.ErrnoException)]);
}

async function assertWritable(folder: string): Promise<void> {
  await makeFolder(folder);
  await access(folder, constants.W_OK | constants.X_OK);
}

function banner(config: Config, url: string): string {
  return [
    "",
    "LetsApp profile pictures",
    "",
    `  GraphQL API    ${url}/graphql`,
    `  Playground     ${url}/playground`,
    `  A picture      ${url}/api/users/media/<id>  (?thumbnail=true)`,
    `  Health         ${url}/healthz  /readyz  /metrics`,
    "",
    `  Database       ${config.database.kind === "embedded" ? config.database.file : "MongoDB at MONGODB_URI"}`,
    `  Pictures       ${describeStorage(config.storage)}`,
    "",
  ].join("\n");
}

/** Returns one line that says what is wrong and, for common problems, what the operator can do. */
function explain(
  error: NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string },
): string {
  if (error.code === "EACCES" && error.syscall === "listen") {
    return `Port ${error.port} is reserved for privileged processes (EACCES). Set PORT to 1024 or higher.`;
  }
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${error.port} on ${error.address} is in use by another program. Set PORT to a free port.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${error.address ?? error.hostname} is not an address of this machine. Set HOST to one of its addresses.`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EEXIST":
    case "ENOENT":
    case "ENOTDIR":
      return `${error.path ?? "INSTANCE_DIR"} cannot be written (${error.code}). Set INSTANCE_DIR to a writable folder.`;
    case "ENOSPC":
      return `The disk is full: ${error.path ?? "INSTANCE_DIR"} cannot be written. Free some space.`;
    default:
      return error.message;
  }
}

function fail(problems: readonly string[]): never {
  for (const problem of problems) console.error(`letsapp: ${problem.replace(/\s*\n\s*/g, " ")}`);
  process.exit(1);
}
