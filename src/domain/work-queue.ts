// Bounds how much work of one kind goes on at once, and how much memory it takes: a few jobs run, a few wait, the
// next one is told to come back. Used by `images/picture-maker.ts` and `services/account-service.ts`.
import { AppError } from "../errors.ts";

export interface WorkLimits {
  maxConcurrent: number;
  maxWaiting: number;
  /** How long a job waits for its turn. */
  maxWaitMs: number;
  /** Of all jobs that run. One that needs more runs alone. */
  maxMemoryBytes: number;
}

interface WaitingJob {
  memoryBytes: number;
  start: () => void;
}

export class WorkQueue {
  #runningCount = 0;
  #memoryBytes = 0;
  readonly #waiting: WaitingJob[] = [];

  /** @param what is done, for the error: "Too many <what>." */
  constructor(
    readonly what: string,
    readonly limits: WorkLimits,
  ) {}

  get state(): { running: number; waiting: number } {
    return { running: this.#runningCount, waiting: this.#waiting.length };
  }

  /**
   * Runs `job` when its turn has come; first come, first served.
   *
   * @throws OVERLOADED at once when the queue is full, or when its turn does not come in time
   */
  async run<Result>(memoryBytes: number, job: () => Promise<Result>): Promise<Result> {
    if (this.#waiting.length > 0 || !this.#hasRoomFor(memoryBytes)) {
      if (this.#waiting.length >= this.limits.maxWaiting) throw tooMany(this.what);
      await this.#waitForTurn(memoryBytes); // Its place is taken for it.
    } else {
      this.#take(memoryBytes);
    }
    try {
      return await job();
    } finally {
      this.#runningCount -= 1;
      this.#memoryBytes -= memoryBytes;
      this.#startWaiting();
    }
  }

  #waitForTurn(memoryBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(job), 1);
        reject(tooMany(this.what));
        this.#startWaiting(); // It may have been the one that did not fit.
      };
      const timer = setTimeout(giveUp, this.limits.maxWaitMs);
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const job: WaitingJob = { memoryBytes, start };
      this.#waiting.push(job);
    });
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next && this.#hasRoomFor(next.memoryBytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.memoryBytes);
      next.start();
    }
  }

  #hasRoomFor(memoryBytes: number): boolean {
    if (this.#runningCount === 0) return true;
    const fits = this.#memoryBytes + memoryBytes <= this.limits.maxMemoryBytes;
    return fits && this.#runningCount < this.limits.maxConcurrent;
  }

  #take(memoryBytes: number): void {
    this.#runningCount += 1;
    this.#memoryBytes += memoryBytes;
  }
}

export function tooMany(what: string): AppError {
  return new AppError("OVERLOADED", `Too many ${what} at once. Try again in a moment.`);
}
