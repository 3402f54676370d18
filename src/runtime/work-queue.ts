// Bounds the work of one kind: running jobs, their memory, and the share of one client. A few jobs run, a few wait, and
// the next one gets an error.
import { AppError } from "../errors.ts";
import { Tally } from "./tally.ts";

export interface WorkLimits {
  maxConcurrent: number;
  maxWaiting: number;
  /** How long a job waits for its turn. */
  maxWaitMs: number;
  /** Of all jobs that run. One that needs more runs alone. */
  maxMemoryBytes: number;
}

interface WaitingJob {
  client: string;
  memoryBytes: number;
  start: () => void;
  giveUp: () => void;
}

/**
 * Clients take turns, and those with the fewest running jobs come first: however many jobs one client has sent, the
 * jobs of others do not wait for more than one of them. When the queue is full, the client with the most waiting jobs
 * loses its last one.
 */
export class WorkQueue {
  #runningCount = 0;
  #memoryBytes = 0;
  readonly #runningByClient = new Tally<string>();
  /** Waiting jobs by client. Among clients with equally many running jobs, the first has its turn next. */
  readonly #waiting = new Map<string, WaitingJob[]>();
  #waitingCount = 0;

  /** @param what is done, for the error: "Too many <what>." */
  constructor(
    readonly what: string,
    readonly limits: WorkLimits,
  ) {}

  get state(): { running: number; waiting: number } {
    return { running: this.#runningCount, waiting: this.#waitingCount };
  }

  /**
   * Runs `job` when its turn has come.
   *
   * @param client whose job it is: a user's id, or a network address
   * @throws OVERLOADED when the queue is full, or when its turn does not come in time
   */
  async run<Result>(client: string, memoryBytes: number, job: () => Promise<Result>): Promise<Result> {
    if (this.#waitingCount > 0 || !this.#hasRoomFor(memoryBytes)) {
      this.#makeRoomFor(client);
      await this.#waitForTurn(client, memoryBytes); // When it starts, its place is taken for it.
    } else {
      this.#take(client, memoryBytes);
    }
    try {
      return await job();
    } finally {
      this.#release(client, memoryBytes);
      this.#startWaiting();
    }
  }

  /** @throws OVERLOADED when the queue is full, and no other client has more jobs in it */
  #makeRoomFor(client: string): void {
    if (this.#waitingCount < this.limits.maxWaiting) return;
    const own = this.#waiting.get(client)?.length ?? 0;
    const longest = [...this.#waiting.values()].reduce<WaitingJob[]>(
      (most, jobs) => (jobs.length > most.length ? jobs : most),
      [],
    );
    if (longest.length <= own + 1) throw tooMany(this.what);
    longest.at(-1)!.giveUp();
  }

  #waitForTurn(client: string, memoryBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const job: WaitingJob = {
        client,
        memoryBytes,
        start: () => {
          clearTimeout(timer);
          this.#remove(job);
          resolve();
        },
        giveUp: () => {
          clearTimeout(timer);
          this.#remove(job);
          reject(tooMany(this.what));
        },
      };
      const timer = setTimeout(() => {
        job.giveUp();
        this.#startWaiting(); // The job may have been too large for the free memory, and others may fit.
      }, this.limits.maxWaitMs);
      const jobs = this.#waiting.get(client);
      if (jobs) jobs.push(job);
      else this.#waiting.set(client, [job]);
      this.#waitingCount += 1;
    });
  }

  #remove(job: WaitingJob): void {
    const jobs = this.#waiting.get(job.client)!;
    jobs.splice(jobs.indexOf(job), 1);
    if (jobs.length === 0) this.#waiting.delete(job.client);
    this.#waitingCount -= 1;
  }

  #startWaiting(): void {
    for (let next = this.#findNext(); next && this.#hasRoomFor(next.memoryBytes); next = this.#findNext()) {
      this.#take(next.client, next.memoryBytes);
      next.start();
      this.#moveBehind(next.client);
    }
  }

  /** Every other client has its turn before this one. */
  #moveBehind(client: string): void {
    const jobs = this.#waiting.get(client);
    if (!jobs) return;
    this.#waiting.delete(client);
    this.#waiting.set(client, jobs);
  }

  #findNext(): WaitingJob | undefined {
    let next: WaitingJob | undefined;
    let fewest = Infinity;
    for (const [client, [first]] of this.#waiting) {
      const running = this.#runningByClient.get(client);
      if (running >= fewest) continue;
      fewest = running;
      next = first;
    }
    return next;
  }

  #hasRoomFor(memoryBytes: number): boolean {
    if (this.#runningCount === 0) return true;
    const fits = this.#memoryBytes + memoryBytes <= this.limits.maxMemoryBytes;
    return fits && this.#runningCount < this.limits.maxConcurrent;
  }

  #take(client: string, memoryBytes: number): void {
    this.#runningCount += 1;
    this.#memoryBytes += memoryBytes;
    this.#runningByClient.add(client, 1);
  }

  #release(client: string, memoryBytes: number): void {
    this.#runningCount -= 1;
    this.#memoryBytes -= memoryBytes;
    this.#runningByClient.add(client, -1);
    this.#moveBehind(client);
  }
}

export function tooMany(what: string): AppError {
  return new AppError("OVERLOADED", `Too many ${what} at once. Try again in a moment.`);
}
