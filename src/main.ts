// The process: reads the environment, starts the service, says where it is, and stops when told to.
import { constants } from "node:fs";
import { access } from "node:fs/promises";

import { ConfigError, describeStorage, loadConfig, type Config } from "./config/config.ts";
import { forbidCodeFromStrings } from "./lockdown.ts";
import { makeFolder } from "./runtime/files.ts";

// graphql-js checks every type in every call unless NODE_ENV is "production" when it is loaded: half of a list's time.
process.env.NODE_ENV ??= "production";
const { createApp } = await import("./app.ts");

// A stack takes milliseconds to write with source maps, and one request can cause a hundred errors.
process.setSourceMapsEnabled(false);

/** After a signal, what is under way has this long. */
const STOP_TIMEOUT_MS = 15_000;

/** SIGTERM, and SIGINT, which Ctrl+C sends. Whoever waits is told of the first one; any other ends the process at once. */
class StopSignal {
  #tell: (() => void) | null = null;

  constructor() {
    process.on("SIGTERM", () => this.#take()).on("SIGINT", () => this.#take());
  }

  /** Resolves at the next signal. Until this is called there is nothing that could be lost. */
  wait(): Promise<void> {
    return new Promise((resolve) => (this.#tell = resolve));
  }

  #take(): void {
    if (!this.#tell) process.exit(1);
    this.#tell();
    this.#tell = null;
    setTimeout(() => fail(["stopping took too long"]), STOP_TIMEOUT_MS).unref();
  }
}

try {
  const stopSignal = new StopSignal();
  const config = loadConfig(process.env);
  await assertWritable(config.instanceDir);
  const app = await createApp(config, { onFatal: (error) => fail([error.message]) });
  // graphql-js leaves a rejection unhandled where two items of a list fail, one of them at once: the client was answered.
  // A fault in one request must not end the service.
  process.on("unhandledRejection", (error) =>
    app.server.log.error({ err: error }, "a rejection was not handled"),
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

/** What a person can do something about, in one line. */
function explain(
  error: NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string },
): string {
  if (error.code === "EACCES" && error.syscall === "listen") {
    return `Port ${error.port} may not be used (EACCES). Set PORT to one from 1024 on.`;
  }
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${error.port} on ${error.address} is taken by another program. Set PORT to another one.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${error.address ?? error.hostname} is no address of this machine. Set HOST to one that is.`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EEXIST":
    case "ENOENT":
    case "ENOTDIR":
      return `${error.path ?? "INSTANCE_DIR"} cannot be written (${error.code}). Set INSTANCE_DIR to a folder that can.`;
    case "ENOSPC":
      return `The disk is full: ${error.path ?? "INSTANCE_DIR"} cannot be written.`;
    default:
      return error.message;
  }
}

function fail(problems: readonly string[]): never {
  for (const problem of problems) console.error(`letsapp: ${problem.replace(/\s*\n\s*/g, " ")}`);
  process.exit(1);
}
