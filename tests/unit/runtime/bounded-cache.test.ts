import { describe, expect, it } from "vitest";

import { BoundedCache } from "../../../src/runtime/bounded-cache.ts";

describe("a bounded cache", () => {
  it("evicts entries that were not read, oldest first, when it is full", () => {
    const cache = new BoundedCache<string, number>(30);
    for (const [index, key] of ["a", "b", "c"].entries()) cache.set(key, index, 10);
    cache.get("a");

    cache.set("d", 3, 20);

    expect(cache.keys().toSorted()).toEqual(["a", "d"]);
    expect(cache.state).toMatchObject({ count: 2, weight: 30 });
  });

  it("evicts an entry that was read once but not again", () => {
    const cache = new BoundedCache<number, number>(10);
    for (let key = 0; key < 10; key++) cache.set(key, key);
    for (let key = 0; key < 10; key++) cache.get(key);

    for (let key = 10; key < 30; key++) cache.set(key, key);

    expect(cache.state.count).toBe(10);
    expect(cache.get(0)).toBeUndefined();
  });

  it("does not keep a value that is heavier than its bound, and drops the old value of the key", () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set("a", 1, 5);

    cache.set("a", 2, 11);

    expect(cache.get("a")).toBeUndefined();
    expect(cache.state).toEqual({ count: 0, weight: 0, hits: 0, misses: 1 });
  });

  it("counts the weight of a replaced entry once", () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set("a", 1, 5);
    cache.set("a", 2, 6);

    cache.delete("a");
    cache.delete("a");

    expect(cache.state.weight).toBe(0);
  });
});
