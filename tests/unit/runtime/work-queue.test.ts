// Checks the limits of concurrent work: jobs that take memory, and the bytes of uploads that arrive slowly.
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { ByteBudget } from "../../../src/runtime/byte-budget.ts";
import { WorkQueue } from "../../../src/runtime/work-queue.ts";

const limits = { maxConcurrent: 1, maxWaiting: 10, maxWaitMs: 60_000, maxMemoryBytes: 100 };

/** A promise that resolves when the test calls `release`. */
function held() {
  let release!: (value: string) => void;
  const promise = new Promise<string>((resolve) => (release = resolve));
  return { promise, release };
}

describe("a queue of jobs", () => {
  it("runs jobs in their order, and at the same time only while their memory fits", async () => {
    const queue = new WorkQueue("things", { ...limits, maxConcurrent: 3 });
    const events: string[] = [];
    const job = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} ends`);
    };

    await Promise.all([
      queue.run("ada", 60, job("large")),
      queue.run("ada", 60, job("second large")),
      queue.run("ada", 10, job("small")),
      queue.run("ada", 500, job("huge")),
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

  it("rejects a job that has waited too long, and then runs a smaller one behind it", async () => {
    const queue = new WorkQueue("things", { ...limits, maxConcurrent: 2, maxWaitMs: 1 });
    const running = held();

    const outcomes = [
      queue.run("ada", 60, () => running.promise),
      queue.run("ada", 60, () => Promise.resolve("did not fit")),
      queue.run("ada", 10, () => Promise.resolve("fits")),
    ];

    await expect(outcomes[1]).rejects.toMatchObject({ code: "OVERLOADED" });
    await expect(outcomes[2]).resolves.toBe("fits");
    running.release("done");
    await expect(outcomes[0]).resolves.toBe("done");
  });

  it("starts the next job when one fails", async () => {
    const queue = new WorkQueue("things", limits);

    const outcomes = await Promise.allSettled([
      queue.run("ada", 60, () => Promise.reject(new Error("broken"))),
      queue.run("ada", 60, () => Promise.resolve("done")),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

/** Starts a job that runs until the test calls `release`. */
function startHeld(queue: WorkQueue, client: string, events: string[] = []) {
  const { promise, release } = held();
  const outcome = queue
    .run(client, 0, () => {
      events.push(client);
      return promise;
    })
    .catch((error: { code: string }) => error.code);
  return { outcome, release };
}

describe("clients that share a queue", () => {
  it("take turns, however many jobs one client has sent", async () => {
    const queue = new WorkQueue("things", limits);
    const events: string[] = [];
    const jobs = [..."mmmmm", "a", "b"].map((client) => startHeld(queue, client, events));

    for (const { release } of jobs) release("done");
    await Promise.all(jobs.map(({ outcome }) => outcome));

    expect(events.slice(0, 4)).toEqual(["m", "a", "b", "m"]);
  });

  it("let a client that had no turns lately go first, however many others wait", async () => {
    const queue = new WorkQueue("things", { ...limits, maxWaiting: 100 });
    const many = Array.from({ length: 20 }, (_, i) => `account ${i}`);
    for (const client of many) await queue.run(client, 1, () => Promise.resolve());
    const started: string[] = [];
    const run = (client: string) => queue.run(client, 1, async () => void started.push(client));
    const running = held();

    const jobs = [queue.run("running", 1, () => running.promise), ...many.map(run), run("newcomer")];
    running.release("done");
    await Promise.all(jobs);

    expect(started[0]).toBe("newcomer");
    expect(started).toHaveLength(21);
  });

  it("take turns again once each had one lately, whoever had more", async () => {
    const queue = new WorkQueue("things", { ...limits, maxWaiting: 100 });
    for (let i = 0; i < 50; i++) await queue.run("busy", 1, () => Promise.resolve());
    const started: string[] = [];
    const run = (client: string) => queue.run(client, 1, async () => void started.push(client));
    const running = held();

    const jobs = [queue.run("running", 1, () => running.promise)];
    jobs.push(...(["busy", "new", "new", "new", "busy"].map(run) as Promise<never>[]));
    running.release("done");
    await Promise.all(jobs);

    expect(started).toEqual(["new", "busy", "new", "busy", "new"]);
  });

  it("leave every second turn to reserved clients, and no more", async () => {
    const reservedClients = new Set(["squares", "blurs"]);
    const queue = new WorkQueue("things", { ...limits, maxWaiting: 100, reservedClients });
    const started: string[] = [];
    const run = (client: string) => queue.run(client, 1, async () => void started.push(client));
    const running = held();

    const clients = ["ada", "eve", "dan", "joe", "squares", "squares", "blurs", "squares"];
    const jobs = [queue.run("ada", 1, () => running.promise), ...clients.map(run)];
    running.release("done");
    await Promise.all(jobs);

    const isReserved = started.map((client) => reservedClients.has(client));
    expect(isReserved).toEqual([true, false, true, false, true, false, true, false]);
  });

  it("lose their last job to another client if the queue is full and they have the most jobs", async () => {
    const queue = new WorkQueue("things", { ...limits, maxWaiting: 3 });
    const mallory = Array.from({ length: 4 }, () => startHeld(queue, "mallory"));
    const ada = startHeld(queue, "ada");
    const tooMany = startHeld(queue, "mallory");

    expect(await mallory[3]!.outcome).toBe("OVERLOADED");
    expect(await tooMany.outcome).toBe("OVERLOADED");
    expect(queue.state).toEqual({ running: 1, waiting: 3 });
    for (const { release } of [...mallory, ada]) release("done");
    expect(await ada.outcome).toBe("done");
  });
});

describe("a full queue of many clients with one job each", () => {
  it("gives the place of a client that had turns lately to one that had none", async () => {
    const queue = new WorkQueue("things", { ...limits, maxWaiting: 2 });
    const bots = ["bot 1", "bot 2", "bot 3"];
    for (const bot of bots) await queue.run(bot, 0, async () => {});
    const jobs = bots.map((bot) => startHeld(queue, bot));
    const honest = startHeld(queue, "honest");
    const again = startHeld(queue, "bot 4");
    const third = startHeld(queue, "bot 1");

    expect(await third.outcome).toBe("OVERLOADED");
    for (const { release } of [...jobs, honest, again]) release("done");
    expect(await honest.outcome).toBe("done");
    expect((await Promise.all(jobs.map(({ outcome }) => outcome))).toSorted()).toEqual([
      "OVERLOADED",
      "OVERLOADED",
      "done",
    ]);
  });
});

it("a reserved client finds room in a full queue, and never loses its job", async () => {
  const reservedClients = new Set(["squares"]);
  const queue = new WorkQueue("things", { ...limits, maxWaiting: 2, reservedClients });
  for (let i = 0; i < 5; i++) await queue.run("squares", 0, async () => {});
  const jobs = ["a", "b", "c"].map((client) => startHeld(queue, client));
  const squares = startHeld(queue, "squares");
  const newcomer = startHeld(queue, "d");
  expect(await newcomer.outcome).toBe("OVERLOADED");

  for (const { release } of [...jobs, squares]) release("done");
  expect(await Promise.all([...jobs, squares].map(({ outcome }) => outcome))).toEqual(
    Array.from({ length: 4 }, () => "done"),
  );
});

const budgetLimits = { maxBytes: 100, maxConcurrentPerClient: 2, maxWaitMs: 60_000 };

describe("a budget of bytes", () => {
  it("refuses bytes above its limit, and has room again after work that fails or succeeds", async () => {
    const budget = new ByteBudget("things", budgetLimits);
    const holding = held();
    const work = budget.hold("ada", async ({ take, complete }) => {
      take(60);
      complete();
      return holding.promise;
    });

    const tooMuch = budget.hold("ben", async ({ take }) => {
      take(30);
      take(30);
    });
    await expect(tooMuch).rejects.toMatchObject({ code: "OVERLOADED" });
    await expect(budget.hold("ben", async ({ take }) => take(40))).resolves.toBeUndefined();
    holding.release("done");
    await work;
    await expect(budget.hold("ben", async ({ take }) => take(100))).resolves.toBeUndefined();
  });

  it("refuses bytes for work that has ended", async () => {
    const budget = new ByteBudget("things", budgetLimits);
    const late = await budget.hold("ada", async ({ take }) => take);

    expect(() => late(1)).toThrow(expect.objectContaining({ code: "OVERLOADED" }));
    await expect(budget.hold("ada", async ({ take }) => take(100))).resolves.toBeUndefined();
  });

  it("aborts the slowest upload when it runs out of bytes", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const budget = new ByteBudget("things", budgetLimits);
    const receive = (client: string, bytes: number) =>
      budget.hold(client, async ({ take, signal }) => {
        take(bytes);
        await new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      });
    const slow = receive("mallory", 40);
    const outcome = slow.catch((error: { code: string }) => error.code);
    await vi.advanceTimersByTimeAsync(2_000);
    void receive("ada", 60).catch(() => {});
    await vi.advanceTimersByTimeAsync(1_500);

    const taken = budget.hold("ben", async ({ take }) => take(40));

    await expect(taken).resolves.toBeUndefined();
    expect(await outcome).toBe("OVERLOADED");
  });

  it("takes two files of a client at a time, and makes only that client's third one wait", async () => {
    const budget = new ByteBudget("things", budgetLimits);
    const holding = [held(), held()];
    const [first, second] = holding.map(({ promise }) => budget.hold("ada", () => promise));
    let hasBegun = false;
    const third = budget.hold("ada", async () => {
      hasBegun = true;
    });
    await budget.hold("ben", async () => {});

    expect(hasBegun).toBe(false);
    holding[0]!.release("done");
    await Promise.all([first, third]);
    expect(hasBegun).toBe(true);
    holding[1]!.release("done");
    await second;
  });

  it("rejects a file that has waited too long for others of the same client", async () => {
    const budget = new ByteBudget("things", { ...budgetLimits, maxWaitMs: 1 });
    const holding = held();
    const two = [1, 2].map(() => budget.hold("ada", () => holding.promise));

    await expect(budget.hold("ada", async () => {})).rejects.toMatchObject({ code: "OVERLOADED" });
    holding.release("done");
    await Promise.all(two);
  });
});
