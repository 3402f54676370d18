// Checks the one cache mechanism: bounds, single flight, and values that are deleted while they are loaded.
import { setTimeout } from "node:timers/promises";

import { describe, expect, it, vi } from "vitest";

import { Cache } from "../../../src/runtime/cache.ts";
import { bytesKeptBy } from "../../support/heap.ts";

const weighing = (maxWeight: number, onEvict?: (key: string) => void) =>
  new Cache<string, number>({ maxWeight, weightOf: (weight) => weight, ...(onEvict && { onEvict }) });

/** A load whose results the test decides on, call by call. */
function slowLoad<Value>() {
  const answers: ((value: Value) => void)[] = [];
  const load = vi.fn<() => Promise<Value>>(() => new Promise((resolve) => answers.push(resolve)));
  return { load, answers };
}

describe("the bound", () => {
  it("evicts the values that were read longest ago until the new value fits", () => {
    const evicted: string[] = [];
    const cache = weighing(30, (key) => evicted.push(key));
    for (const key of ["a", "b", "c"]) cache.set(key, 10);
    cache.get("a");

    cache.set("d", 20);

    expect(evicted).toEqual(["b", "c"]);
    expect(cache.keys().toSorted()).toEqual(["a", "d"]);
    expect(cache.state).toMatchObject({ count: 2, weight: 30 });
  });

  it("does not keep the text from which a key was cut", async () => {
    const cache = new Cache<string, true>({ maxWeight: 2_000 });
    const url = (i: number) => `/api/users/media/${String(i).padStart(24, "0")}?${"x".repeat(16_000)}`;

    const kept = await bytesKeptBy(() => {
      for (let i = 0; i < 2_000; i++) cache.set(url(i).slice(17, 41), true);
    });

    expect(cache.state.count).toBe(2_000);
    expect(kept).toBeLessThan(3_000_000); // The texts have 32 MB.
  });

  it("counts values where no weight is given", () => {
    const cache = new Cache<string, string>({ maxWeight: 2 });
    for (const key of ["a", "b", "c"]) cache.set(key, key);

    expect(cache.keys().toSorted()).toEqual(["b", "c"]);
    expect(cache.state).toMatchObject({ count: 2, weight: 2 });
  });

  it("evicts a value that is heavier at once, with the value that was stored before", () => {
    const evicted: string[] = [];
    const cache = weighing(10, (key) => evicted.push(key));
    cache.set("a", 5);

    cache.set("a", 11);

    expect(cache.get("a")).toBeUndefined();
    expect(evicted).toEqual(["a"]);
    expect(cache.state).toEqual({ count: 0, weight: 0, hits: 0, misses: 1 });
  });

  it("stores nothing when it is 0", () => {
    const cache = weighing(0);
    cache.set("a", 1);

    expect(cache.get("a")).toBeUndefined();
  });

  it("counts the weight of a key once, and does not report a replacement or deletion as an eviction", () => {
    const evicted: string[] = [];
    const cache = weighing(10, (key) => evicted.push(key));
    cache.set("a", 5);
    cache.set("a", 6);
    cache.delete("a");
    cache.delete("a");

    expect(cache.state.weight).toBe(0);
    expect(evicted).toEqual([]);
  });
});

describe("loading", () => {
  it("runs once for all concurrent callers, and not again once the value is stored", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    const { load, answers } = slowLoad<string>();
    const callers = [1, 2, 3].map(() => cache.load("a", load));
    answers[0]!("value");

    expect(await Promise.all(callers)).toEqual(["value", "value", "value"]);
    expect(await cache.load("a", load)).toBe("value");
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("does not store null, or a value that shouldStore refuses", async () => {
    const cache = new Cache<string, string | null>({ maxWeight: 10 });
    const picky = new Cache<string, string>({ maxWeight: 10, shouldStore: (value) => value !== "no" });

    await cache.load("a", async () => null);
    await picky.load("a", async () => "no");

    expect([cache.get("a"), picky.get("a")]).toEqual([undefined, undefined]);
  });

  it("fails for all concurrent callers, and is tried again by the next one", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    const failing = () => Promise.reject(new Error("no database"));
    const outcomes = await Promise.allSettled([cache.load("a", failing), cache.load("a", failing)]);

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await cache.load("a", async () => "value")).toBe("value");
  });

  it.each([
    ["delete", (cache: Cache<string, string>) => cache.delete("a")],
    ["clear", (cache: Cache<string, string>) => cache.clear()],
    ["deleteWhere", (cache: Cache<string, string>) => cache.deleteWhere(() => false)],
  ])("is neither stored nor shared with later callers after %s", async (_what, forget) => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    const { load, answers } = slowLoad<string>();
    const before = cache.load("a", load);
    forget(cache);
    const after = cache.load("a", load);
    answers[1]!("new");
    answers[0]!("old");

    expect(await Promise.all([before, after])).toEqual(["old", "new"]);
    expect(cache.get("a")).toBe("new");
  });

  it("is not shared with new callers once it has taken longer than maxLoadMs", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10, maxLoadMs: 5 });
    const { load, answers } = slowLoad<string>();
    const stalled = cache.load("a", load);
    await setTimeout(10);
    const later = cache.load("a", load);
    answers[1]!("new");
    answers[0]!("old");

    expect(await Promise.all([stalled, later])).toEqual(["old", "new"]);
    expect(cache.get("a")).toBe("new");
  });

  it("counts the age of a value from the start of its load", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10, maxAgeMs: 20 });
    await cache.load("a", async () => {
      await setTimeout(40);
      return "value";
    });

    expect(cache.get("a")).toBeUndefined();
  });
});

describe("loading many", () => {
  const keyOf = (value: string) => value[0]!;

  it("replaces what is stored", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    cache.set("a", "a, old");

    await cache.loadMany(async () => ["a, new", "b, new"], keyOf);

    expect([cache.get("a"), cache.get("b")]).toEqual(["a, new", "b, new"]);
  });

  it("does not store the values that are deleted in between", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    const { load, answers } = slowLoad<string[]>();
    const loading = cache.loadMany(load, keyOf);
    cache.delete("a");
    answers[0]!(["a", "b"]);

    expect(await loading).toEqual(["a", "b"]);
    expect([cache.get("a"), cache.get("b")]).toEqual([undefined, "b"]);
  });

  it("stores nothing after everything was deleted in between", async () => {
    const cache = new Cache<string, string>({ maxWeight: 10 });
    const { load, answers } = slowLoad<string[]>();
    const loading = cache.loadMany(load, keyOf);
    cache.clear();
    answers[0]!(["a", "b"]);
    await loading;

    expect(cache.keys()).toEqual([]);
  });
});
