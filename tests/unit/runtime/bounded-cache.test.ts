import { describe, expect, it } from "vitest";

import { BoundedCache } from "../../../src/runtime/bounded-cache.ts";

describe("a bounded cache", () => {
  it("gives up what nobody asked for, oldest first, when there is no more room", () => {
    const cache = new BoundedCache<string, number>(30);
    for (const [index, key] of ["a", "b", "c"].entries()) cache.set(key, index, 10);
    cache.get("a");

    cache.set("d", 3, 20);

    expect(cache.keys().toSorted()).toEqual(["a", "d"]);
    expect(cache.state).toMatchObject({ count: 2, weight: 30 });
  });

  it("gives up what was asked for once, too, when it is not asked for again", () => {
    const cache = new BoundedCache<number, number>(10);
    for (let key = 0; key < 10; key++) cache.set(key, key);
    for (let key = 0; key < 10; key++) cache.get(key);

    for (let key = 10; key < 30; key++) cache.set(key, key);

    expect(cache.state.count).toBe(10);
    expect(cache.get(0)).toBeUndefined();
  });

  it("keeps nothing that is heavier than its bound, and drops what stood under the key", () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set("a", 1, 5);

    cache.set("a", 2, 11);

    expect(cache.get("a")).toBeUndefined();
    expect(cache.state).toEqual({ count: 0, weight: 0, hits: 0, misses: 1 });
  });

  it("weighs what is set again once", () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set("a", 1, 5);
    cache.set("a", 2, 6);

    cache.delete("a");
    cache.delete("a");

    expect(cache.state.weight).toBe(0);
  });
});
