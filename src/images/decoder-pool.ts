// Runs image work in child processes. A fault in a decoder, or an image that takes too much time or memory, ends a
// child and not the service. A child has none of the service's secrets: it receives images and returns images.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";

import { AppError } from "../errors.ts";
import type { TaskAnswer, TaskRequest } from "./decoder-process.ts";
import type { ImageTask, ImageWorker, TaskArguments, TaskResult } from "./tasks.ts";

/** The folder that contains `dist` and the packages. */
const PROGRAM_DIR = path.join(import.meta.dirname, "..", "..");

/** The slowest image within the limits takes a fifth of this. */
const TASK_TIMEOUT_MS = 15_000;

/** A child takes 60 MB for itself, and up to 240 MB for an image. */
const MAX_RESIDENT_BYTES = 450 * 1024 * 1024;
const WATCH_INTERVAL_MS = 50;

/** A child that keeps more than this after its task is replaced, so that the next image has the whole limit. */
const MAX_KEPT_BYTES = 200 * 1024 * 1024;
const PAGE_BYTES = 4096;

export interface PoolOptions {
  maxProcesses: number;
  /** The complete environment of a child. */
  environment: Readonly<Record<string, string>>;
  /** Called when a child ends unexpectedly, so that the operator can be notified. */
  onCrash: (how: string) => void;
  taskTimeoutMs?: number;
  maxResidentBytes?: number;
  maxKeptBytes?: number;
}

export class DecoderPool implements ImageWorker {
  readonly #idle: ChildProcess[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #waiting: ((child: ChildProcess | null) => void)[] = [];
  #isClosed = false;

  constructor(readonly options: PoolOptions) {}

  /** Starts one child in advance, so that the first image does not wait for it. */
  start(): void {
    this.#idle.push(this.#startChild());
  }

  /**
   * @throws what the task throws
   * @throws IMAGE_TOO_COMPLEX when the image takes too much time or memory, UNREADABLE_IMAGE when the decoder crashes
   * @throws OVERLOADED when no child can be started
   */
  async run<Task extends ImageTask>(task: Task, ...args: TaskArguments<Task>): Promise<TaskResult<Task>> {
    const child = this.#idle.pop() ?? (await this.#startOrWait());
    const answer = await this.#ask(child, { task, args });
    this.#release(child);
    if ("result" in answer) return revive(answer.result) as TaskResult<Task>;
    const { code, message, status, details, reason } = answer;
    throw new AppError(code, message, { ...details, status, cause: new Error(reason) });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = [...this.#children].map((child) => once(child, "exit"));
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(ended);
  }

  async #startOrWait(): Promise<ChildProcess> {
    if (this.#children.size < this.options.maxProcesses) return this.#startChild();
    const child = await new Promise<ChildProcess | null>((resolve) => this.#waiting.push(resolve));
    return child ?? this.#startChild();
  }

  #startChild(): ChildProcess {
    if (this.#isClosed) throw stopping();
    const child = fork(path.join(import.meta.dirname, "decoder-process.js"), {
      serialization: "advanced",
      execArgv: restrictions(),
      env: this.options.environment,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#children.add(child);
    const forget = () => {
      if (!this.#children.delete(child)) return;
      const at = this.#idle.indexOf(child);
      if (at !== -1) this.#idle.splice(at, 1);
      this.#waiting.shift()?.(null);
    };
    child.once("exit", forget);
    // The child could not be started, or a message could not be sent to it. Only after the latter, `exit` follows.
    child.on("error", () => {
      if (child.pid === undefined) forget();
      else child.kill("SIGKILL");
    });
    return child;
  }

  #release(child: ChildProcess): void {
    const { maxKeptBytes = MAX_KEPT_BYTES } = this.options;
    if (residentBytes(child) > maxKeptBytes) child.kill("SIGKILL");
    if (child.killed || !child.connected) return; // Once it has exited, `forget` lets the next image start a child.
    const next = this.#waiting.shift();
    if (next) next(child);
    else this.#idle.push(child);
  }

  async #ask(child: ChildProcess, request: TaskRequest): Promise<TaskAnswer> {
    const { taskTimeoutMs = TASK_TIMEOUT_MS, maxResidentBytes = MAX_RESIDENT_BYTES, onCrash } = this.options;
    let excess: string | null = null;
    const end = (why: string) => {
      excess ??= why;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => end("too long"), taskTimeoutMs);
    const watch = setInterval(() => {
      if (residentBytes(child) > maxResidentBytes) end("too much memory");
    }, WATCH_INTERVAL_MS);
    const listening = new AbortController();
    try {
      child.send(request);
      const [answer] = await Promise.race([
        once(child, "message", { signal: listening.signal }) as Promise<[TaskAnswer]>,
        once(child, "exit", { signal: listening.signal }).then(([code, signal]) => {
          if (this.#isClosed) throw stopping();
          if (excess) throw new AppError("IMAGE_TOO_COMPLEX", `The image takes ${excess} to process.`);
          const how = signal === null ? `exit code ${code}` : String(signal);
          onCrash(how);
          throw new AppError("UNREADABLE_IMAGE", "The image cannot be decoded.", {
            cause: new Error(`the decoder ended: ${how}`),
          });
        }),
      ]);
      return answer;
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      if (this.#isClosed) throw stopping();
      onCrash((cause as Error).message);
      throw new AppError("OVERLOADED", "Images cannot be decoded right now. Try again in a moment.", {
        cause,
      });
    } finally {
      listening.abort();
      clearTimeout(timer);
      clearInterval(watch);
    }
  }
}

/** Flags that restrict a child. Native code can evade them, but a child has no secrets that it could read. */
function restrictions(): string[] {
  const { allowedNodeEnvironmentFlags: flags } = process;
  const permission = flags.has("--permission") ? "--permission" : "--experimental-permission";
  return [
    permission,
    `--allow-fs-read=${PROGRAM_DIR}${path.sep}`,
    "--allow-addons",
    "--disallow-code-generation-from-strings",
    "--max-old-space-size=128",
    "--no-warnings", // Node warns about the permissions that it grants.
  ];
}

/**
 * Memory of a process. 0 when it is unknown: on systems other than Linux, or when the process has just ended. Reads
 * synchronously: Linux makes the file when it is read, and the thread pool would take ten times as long.
 */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/** Turns each Uint8Array into a Buffer: a Buffer from another process arrives as a Uint8Array. */
function revive(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revive(part)]));
}

function stopping(): AppError {
  return new AppError("OVERLOADED", "The service is stopping. Try again in a moment.");
}
