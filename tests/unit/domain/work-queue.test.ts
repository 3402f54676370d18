// How much goes on at once: jobs that take memory, and bytes that come in slowly.
import { describe, expect, it } from "vitest";

import { ByteBudget } from "../../../src/domain/byte-budget.ts";
import { WorkQueue } from "../../../src/domain/work-queue.ts";

const limits = { maxConcurrent: 1, maxWaiting: 10, maxWaitMs: 60_000, maxMemoryBytes: 100 };

/** A promise that is kept when the test says so. */
function held() {
  let release!: (value: string) => void;
  const promise = new Promise<string>((resolve) => (release = resolve));
  return { promise, release };
}

describe("a queue of jobs: what comes", () => {
  it("is done one after another when each takes much memory, in the order in which it came", async () => {
    const queue = new WorkQueue("things", { ...limits, maxConcurrent: 3 });
    const events: string[] = [];
    const job = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} ends`);
    };

    await Promise.all([
      queue.run(60, job("large")),
      queue.run(60, job("second large")),
      queue.run(10, job("small")),
      queue.run(500, job("huge")),
    ]);

    expect(events).toEqual([
      "large begins",
      "large ends",
      "second large begins",
      "small begins",
      "second large ends",
      "small ends",
      "huge begins",
      "huge ends",
    ]);
  });

  it("is not kept waiting for ever, nor is what stands behind it", async () => {
    const queue = new WorkQueue("things", { ...limits, maxConcurrent: 2, maxWaitMs: 1 });
    const running = held();

    const outcomes = [
      queue.run(60, () => running.promise),
      queue.run(60, () => Promise.resolve("did not fit")),
      queue.run(10, () => Promise.resolve("fits")),
    ];

    await expect(outcomes[1]).rejects.toMatchObject({ code: "OVERLOADED" });
    await expect(outcomes[2]).resolves.toBe("fits");
    running.release("done");
    await expect(outcomes[0]).resolves.toBe("done");
  });

  it("that fails makes room for what waits", async () => {
    const queue = new WorkQueue("things", limits);

    const outcomes = await Promise.allSettled([
      queue.run(60, () => Promise.reject(new Error("broken"))),
      queue.run(60, () => Promise.resolve("done")),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

describe("a budget of bytes", () => {
  it("refuses what would be too much, and has room again when the work is over, failed or not", async () => {
    const budget = new ByteBudget("things", 100);
    const holding = held();
    const work = budget.hold(async (take) => {
      take(60);
      return holding.promise;
    });

    const tooMuch = budget.hold(async (take) => {
      take(30);
      take(30);
    });
    await expect(tooMuch).rejects.toMatchObject({ code: "OVERLOADED" });
    await expect(budget.hold(async (take) => take(40))).resolves.toBeUndefined();
    holding.release("done");
    await work;
    await expect(budget.hold(async (take) => take(100))).resolves.toBeUndefined();
  });

  it("gives nothing to work that is over", async () => {
    const budget = new ByteBudget("things", 100);
    const late = await budget.hold(async (take) => take);

    expect(() => late(1)).toThrow(expect.objectContaining({ code: "OVERLOADED" }));
    await expect(budget.hold(async (take) => take(100))).resolves.toBeUndefined();
  });
});
