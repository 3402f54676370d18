// Bounds how much image work goes on at once: a few jobs run, a few wait, the next one is told to come back.
// Called by `picture-maker.ts`.
import { AppError } from "../errors.ts";

export class WorkQueue {
  #runningCount = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly limits: { maxConcurrent: number; maxWaiting: number }) {}

  /** Runs `job` when its turn has come. @throws OVERLOADED at once when the queue is full */
  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (this.#runningCount >= this.limits.maxConcurrent) {
      if (this.#waiting.length >= this.limits.maxWaiting) {
        throw new AppError("OVERLOADED", "Too many pictures are being processed. Try again in a moment.");
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve)); // Whoever ends hands its place on.
    } else {
      this.#runningCount += 1;
    }
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#runningCount -= 1;
    }
  }
}
