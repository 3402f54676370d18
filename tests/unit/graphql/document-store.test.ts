// Checks that parsed operations are kept, and that their memory is bounded whatever their text is.
import { parse } from "graphql";
import { describe, expect, it } from "vitest";

import { DocumentStore } from "../../../src/graphql/document-store.ts";
import { bytesKeptBy } from "../../support/heap.ts";

const MIB = 1024 * 1024;

describe("the store of parsed operations", () => {
  it("keeps an operation", async () => {
    const store = new DocumentStore();
    const document = parse("{ me { id } }");

    await store.set("key", document);

    expect(await store.get("key")).toBe(document);
  });

  it.each([
    ["comments", (i: number) => `{ a${i}: __typename } #${"x".repeat(100_000)}`],
    ["comments of two-byte characters", (i: number) => `{ a${i}: __typename } #Ā${"x".repeat(100_000)}`],
    ["commas", (i: number) => `{ a${i}: __typename${",".repeat(100_000)} }`],
    [
      "many fields",
      (i: number) => `{ ${Array.from({ length: 150 }, (_, k) => `a${i}_${k}: __typename`).join(" ")} }`,
    ],
    ["long names", (i: number) => `{ a${i}${"x".repeat(20_000)}: __typename }`],
    ["long strings", (i: number) => `{ user(id: "${i}${"x".repeat(20_000)}") { id } }`],
  ])("takes at most about 32 MiB of %s", async (_what, textOf) => {
    const store = new DocumentStore();

    const kept = await bytesKeptBy(async () => {
      for (let i = 0; i < 1_000; i++) await store.set(String(i), parse(textOf(i)));
    });

    expect(store.state.count).toBeGreaterThan(0);
    expect(kept).toBeLessThan(50 * MIB);
  });

  it("does not keep an operation of more than 256 KiB", async () => {
    const store = new DocumentStore();

    await store.set("key", parse(`{ me { id } } #${"x".repeat(256 * 1024)}`));

    expect(await store.get("key")).toBeUndefined();
  });
});
