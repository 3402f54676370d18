// Limits the bytes of incoming files that are held at once, and the number of files that one client sends at once.
import { Tally } from "./tally.ts";
import { tooMany } from "./work-queue.ts";

/** Adds bytes to those that a file holds. @throws OVERLOADED when they exceed the budget, or the file was given up */
export type TakeBytes = (bytes: number) => void;

/** The share of one file in the budget. */
export interface BudgetShare {
  take: TakeBytes;
  /** Aborted when the file is given up because it arrives too slowly. Its reader must stop. */
  signal: AbortSignal;
  /** Marks the file as received completely, so that it is no longer given up. */
  complete: () => void;
}

export interface ByteLimits {
  maxBytes: number;
  /** Files that one client may send at the same time. Further files wait. */
  maxConcurrentPerClient: number;
  maxWaitMs: number;
}

interface Holder {
  heldBytes: number;
  startedAtMs: number;
  isComplete: boolean;
  abort: AbortController;
}

/** Age at which a file may be given up. The rate of a younger file is not known yet. */
const GRACE_MS = 1_000;

/** Shares bytes among incoming files. When they are used up, gives up the file that arrives at the lowest rate. */
export class ByteBudget {
  #heldBytes = 0;
  readonly #holders = new Set<Holder>();
  readonly #countByClient = new Tally<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** @param what the name of the files in the error "Too many <what> at once." */
  constructor(
    readonly what: string,
    readonly limits: ByteLimits,
  ) {}

  /**
   * Runs `work`, which reports the bytes that it holds to `share.take`. Frees all of them when `work` ends.
   *
   * @param client the client that sends the file
   * @throws OVERLOADED when earlier files of the client take too long, and when the file is given up
   */
  async hold<Result>(client: string, work: (share: BudgetShare) => Promise<Result>): Promise<Result> {
    await this.#enter(client);
    const abort = new AbortController();
    const holder: Holder = { heldBytes: 0, startedAtMs: performance.now(), isComplete: false, abort };
    this.#holders.add(holder);
    try {
      return await work({
        take: (bytes) => this.#take(holder, bytes),
        signal: abort.signal,
        complete: () => (holder.isComplete = true),
      });
    } finally {
      this.#giveBack(holder);
      this.#leave(client);
    }
  }

  #take(holder: Holder, bytes: number): void {
    if (!this.#holders.has(holder)) throw tooMany(this.what);
    while (this.#heldBytes + bytes > this.limits.maxBytes) {
      const slowest = this.#findSlowest();
      if (!slowest || slowest === holder) throw tooMany(this.what);
      this.#giveBack(slowest);
      slowest.abort.abort(tooMany(this.what));
    }
    this.#heldBytes += bytes;
    holder.heldBytes += bytes;
  }

  #findSlowest(): Holder | undefined {
    const now = performance.now();
    let slowest: Holder | undefined;
    let lowestRate = Infinity;
    for (const holder of this.#holders) {
      const ageMs = now - holder.startedAtMs;
      if (holder.isComplete || ageMs < GRACE_MS) continue;
      const rate = holder.heldBytes / ageMs;
      if (rate < lowestRate) [slowest, lowestRate] = [holder, rate];
    }
    return slowest;
  }

  #giveBack(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    this.#heldBytes -= holder.heldBytes;
  }

  async #enter(client: string): Promise<void> {
    const deadlineMs = performance.now() + this.limits.maxWaitMs;
    while (this.#countByClient.get(client) >= this.limits.maxConcurrentPerClient) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw tooMany(this.what);
      await this.#nextToLeave(client, leftMs);
    }
    this.#countByClient.add(client, 1);
  }

  #nextToLeave(client: string, maxWaitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(client) ?? new Set();
      this.#waiting.set(client, waiting);
      const goOn = () => {
        clearTimeout(timer);
        waiting.delete(goOn);
        if (waiting.size === 0) this.#waiting.delete(client);
        resolve();
      };
      const timer = setTimeout(goOn, maxWaitMs);
      waiting.add(goOn);
    });
  }

  #leave(client: string): void {
    this.#countByClient.add(client, -1);
    const [next] = this.#waiting.get(client) ?? [];
    next?.();
  }
}
