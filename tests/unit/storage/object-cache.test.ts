// Checks which objects `ObjectCache` keeps in memory.
import { describe, expect, it, vi } from "vitest";

import { ObjectCache } from "../../../src/storage/object-cache.ts";

describe("large objects", () => {
  const objectOf = (key: string, sizeBytes: number) => {
    const load = vi.fn<() => Promise<Buffer>>(async () => Buffer.alloc(sizeBytes, key));
    return { key, sizeBytes, load };
  };
  const ask = (hot: ObjectCache, { key, load }: ReturnType<typeof objectOf>) =>
    hot.peek(key) ?? hot.read(key, load);

  it("are kept after the second read, small objects after the first", async () => {
    const hot = new ObjectCache(1_000_000);
    const [small, large] = [objectOf("small", 1000), objectOf("large", 100_000)];
    for (let i = 0; i < 4; i++) for (const object of [small, large]) await ask(hot, object);

    expect(small.load).toHaveBeenCalledTimes(1);
    expect(large.load).toHaveBeenCalledTimes(2);
  });

  it("are not kept, and evict nothing, when reading them in turn exceeds the limit", async () => {
    const hot = new ObjectCache(1_000_000);
    const small = objectOf("small", 1000);
    const large = Array.from({ length: 20 }, (_, i) => objectOf(`large ${i}`, 100_000));
    for (let round = 0; round < 5; round++) for (const object of [small, ...large]) await ask(hot, object);

    expect(small.load).toHaveBeenCalledTimes(1);
    expect(hot.state.count).toBe(1);
  });
});
