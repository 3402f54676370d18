// Bounds how many bytes of incoming files are held at once, and how much of that one client holds.
import { Tally } from "./tally.ts";
import { tooMany } from "./work-queue.ts";

/** Says that so many bytes more are held from now on. @throws OVERLOADED when that would be too many */
export type TakeBytes = (bytes: number) => void;

/** The share of the budget that one file has. */
export interface BudgetShare {
  take: TakeBytes;
  /** Aborted when the file came so slowly that another one gets its bytes. Its reader stops. */
  signal: AbortSignal;
  /** The file has come in whole: from now on it is not given up. */
  complete: () => void;
}

export interface ByteLimits {
  maxBytes: number;
  /** Files of one client that come in at the same time. Others wait for them. */
  maxConcurrentPerClient: number;
  maxWaitMs: number;
}

interface Holder {
  heldBytes: number;
  startedAtMs: number;
  isComplete: boolean;
  abort: AbortController;
}

/** The rate of a younger file is not known yet. */
const GRACE_MS = 1_000;

/** When the budget is short, it gives up the file with the lowest rate so far. */
export class ByteBudget {
  #heldBytes = 0;
  readonly #holders = new Set<Holder>();
  readonly #countByClient = new Tally<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** @param what holds the bytes, for the error: "Too many <what>." */
  constructor(
    readonly what: string,
    readonly limits: ByteLimits,
  ) {}

  /**
   * Does `work`, which says what it comes to hold. It holds no bytes after its end.
   *
   * @param client whose file it is
   * @throws OVERLOADED when earlier files of the same client take too long, and when the file is given up
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
