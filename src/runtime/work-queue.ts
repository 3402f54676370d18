// Limits the work of one kind: running jobs, their memory, and the share of each client. A few jobs run, a few wait,
// and further jobs are rejected.
import { AppError } from "../errors.ts";
import { Cache } from "./cache.ts";
import { Tally } from "./tally.ts";

export interface WorkLimits {
  maxConcurrent: number;
  maxWaiting: number;
  /** How long a job may wait for its turn. */
  maxWaitMs: number;
  /** Limit for all running jobs together. A job that needs more runs alone. */
  maxMemoryBytes: number;
  /**
   * Clients that always find room, never lose a job, and have every second turn. Each must have only a few jobs at once.
   */
  reservedClients?: ReadonlySet<string>;
}

interface WaitingJob {
  client: string;
  memoryBytes: number;
  start: () => void;
  giveUp: () => void;
}

/**
 * Clients take turns. The client with the fewest running jobs comes first. Among equals, clients without a job in the
 * last minute come first, then the client whose last turn was longest ago. When the queue is full, the client with the
 * most waiting jobs loses its last one; among equals, the client that ran the most jobs lately.
 */
export class WorkQueue {
  #runningCount = 0;
  #memoryBytes = 0;
  readonly #runningByClient = new Tally<string>();
  /** Waiting jobs by client. The first client has its turn next among clients with equally many running jobs. */
  readonly #waiting = new Map<string, WaitingJob[]>();
  #waitingCount = 0;
  /** True when the last job that started was one of a reserved client. */
  #wasReserved = false;

  /** Jobs that ran for a client, forgotten a minute after the last one. */
  readonly #recentCounts = new Cache<string, number>({ maxWeight: 10_000, maxAgeMs: 60_000 });

  /** @param what the name of the work in the error "Too many <what> at once." */
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
   * @param client the client that sent the job: a user's id, or a network address
   * @param startByMs time of `performance.now()` by which the job must start, if that is sooner than `maxWaitMs`
   * @throws OVERLOADED when the queue is full, or when the turn does not come in time
   */
  async run<Result>(
    client: string,
    memoryBytes: number,
    job: () => Promise<Result>,
    startByMs = Infinity,
  ): Promise<Result> {
    if (this.#waitingCount > 0 || !this.#hasRoomFor(memoryBytes)) {
      const maxWaitMs = Math.min(this.limits.maxWaitMs, startByMs - performance.now());
      if (maxWaitMs <= 0) throw tooMany(this.what);
      this.#makeRoomFor(client);
      await this.#waitForTurn(client, memoryBytes, maxWaitMs); // `#startWaiting` calls `#take` for the job.
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

  /**
   * Removes the last job of the client with the most waiting jobs when the queue is full.
   *
   * @throws OVERLOADED unless another client has at least two waiting jobs more than this one, or one more and more jobs
   * that ran lately
   */
  #makeRoomFor(client: string): void {
    if (this.#waitingCount < this.limits.maxWaiting || this.#isReserved(client)) return;
    const own = this.#waiting.get(client)?.length ?? 0;
    const [first, ...others] = [...this.#waiting]
      .filter(([one]) => !this.#isReserved(one))
      .map(([one, jobs]) => ({ jobs, recent: this.#recentCountOf(one) }));
    if (!first) throw tooMany(this.what);
    const most = others.reduce(
      (a, b) => ((b.jobs.length - a.jobs.length || b.recent - a.recent) > 0 ? b : a),
      first,
    );
    const hasMoreWaiting = most.jobs.length > own + 1;
    const hadMoreTurns = most.jobs.length === own + 1 && most.recent > this.#recentCountOf(client);
    if (!hasMoreWaiting && !hadMoreTurns) throw tooMany(this.what);
    most.jobs.at(-1)!.giveUp();
  }

  #waitForTurn(client: string, memoryBytes: number, maxWaitMs: number): Promise<void> {
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
        this.#startWaiting(); // The job may have been too large for the free memory, and smaller jobs may fit.
      }, maxWaitMs);
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

  /** Moves a client behind all other clients, which have their turns first. */
  #moveBehind(client: string): void {
    const jobs = this.#waiting.get(client);
    if (!jobs) return;
    this.#waiting.delete(client);
    this.#waiting.set(client, jobs);
  }

  #findNext(): WaitingJob | undefined {
    const [reserved, others] = [true, false].map((isReserved) =>
      this.#findFirst((client) => this.#isReserved(client) === isReserved),
    );
    return this.#wasReserved ? (others ?? reserved) : (reserved ?? others);
  }

  /** Returns the first job of the client that comes first among those that fulfil the condition. */
  #findFirst(condition: (client: string) => boolean): WaitingJob | undefined {
    let found: { job: WaitingJob; running: number; recent: number } | undefined;
    for (const [client, [job]] of this.#waiting) {
      if (!condition(client)) continue;
      const running = this.#runningByClient.get(client);
      const recent = Math.min(this.#recentCountOf(client), 1);
      const isEarlier =
        !found || running < found.running || (running === found.running && recent < found.recent);
      if (isEarlier) found = { job: job!, running, recent };
    }
    return found?.job;
  }

  #isReserved(client: string): boolean {
    return this.limits.reservedClients?.has(client) ?? false;
  }

  #recentCountOf(client: string): number {
    return this.#recentCounts.get(client) ?? 0;
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
    this.#recentCounts.set(client, this.#recentCountOf(client) + 1);
    this.#wasReserved = this.#isReserved(client);
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
