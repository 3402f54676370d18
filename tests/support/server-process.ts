// Runs the built program as a user starts it: a separate process, with its data in a folder.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const START_TIMEOUT_MS = 20_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A child process that runs, or has run, the program. */
export class ServerProcess {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ended>;

  private constructor(readonly child: ChildProcess) {
    running.add(child);
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = once(child, "close").then(([code]) => {
      running.delete(child);
      return { code: code as number | null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Starts the program and does not wait for it. The program may end by itself. */
  static spawn(env: Record<string, string>): ServerProcess {
    const child = spawn(process.execPath, [path.resolve("dist/main.js")], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        TMPDIR: process.env.TMPDIR,
        PORT: "0",
        LOG_LEVEL: "warn",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new ServerProcess(child);
  }

  /** Starts the program and waits until it listens. */
  static async start(env: Record<string, string>): Promise<ServerProcess> {
    const server = ServerProcess.spawn(env);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!server.stdout.includes("Pictures ")) {
      if (server.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server did not start: ${server.stderr}${server.stdout}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return server;
  }

  /** The base URL that the program printed. */
  get url(): string {
    return /GraphQL API\s+(\S+)\/graphql/.exec(this.stdout)![1]!;
  }

  /** Resolves with how the program ended. If it still runs after `milliseconds`, kills it and resolves with null. */
  async endedWithin(milliseconds: number): Promise<Ended | null> {
    const stillRuns = new Promise<null>((resolve) => setTimeout(() => resolve(null), milliseconds));
    const ended = await Promise.race([this.ended, stillRuns]);
    if (!ended) await this.stop("SIGKILL");
    return ended;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}
