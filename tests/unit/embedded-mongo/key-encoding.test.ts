import { Binary, Decimal128, ObjectId } from "bson";
import { describe, expect, it } from "vitest";

import { encodeKey, invert, isIndexable, successor } from "../../../src/embedded-mongo/key-encoding.ts";

const ascending = [
  null,
  NaN,
  -Infinity,
  -1e300,
  -2,
  -1.5,
  -Number.MIN_VALUE,
  0,
  Number.MIN_VALUE,
  0.1,
  1,
  2,
  10,
  2 ** 31,
  2 ** 53,
  Infinity,
  "",
  "\0",
  "\0a",
  "A",
  "a",
  "a\0",
  "a\0b",
  "aa",
  "b",
  "é",
  "日本",
  "😀",
  new Binary(Buffer.from([2])),
  new Binary(Buffer.from([1, 1])),
  new ObjectId("000000000000000000000000"),
  new ObjectId("0000000000000000000000ff"),
  new ObjectId("ffffffffffffffffffffffff"),
  false,
  true,
  new Date(-1),
  new Date(0),
  new Date("2026-11-24"),
];

describe("encodeKey", () => {
  it("orders bytes as MongoDB orders values", () => {
    const keys = ascending.map((value) => encodeKey(value));

    expect(keys.toSorted(Buffer.compare)).toEqual(keys);
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(keys.length);
  });

  it("orders bytes in reverse when they are inverted", () => {
    const keys = ascending.map((value) => invert(encodeKey(value)));

    expect(keys.toSorted(Buffer.compare)).toEqual(keys.toReversed());
  });

  it("gives equal values equal keys", () => {
    expect(encodeKey(-0)).toEqual(encodeKey(0));
    expect(encodeKey(undefined)).toEqual(encodeKey(null));
    expect(encodeKey(new ObjectId("6b0526be7c8634f5f1fbb890"))).toEqual(
      encodeKey(new ObjectId("6b0526be7c8634f5f1fbb890")),
    );
  });

  it("returns no key that is a prefix of another key", () => {
    const keys = ascending.map((value) => encodeKey(value));

    const prefixes = keys.filter((key) =>
      keys.some((other) => other !== key && other.subarray(0, key.length).equals(key)),
    );

    expect(prefixes).toEqual([]);
  });

  it.each([[[1, 2]], [{ a: 1 }], [/a/], [Decimal128.fromString("1.5")]])("refuses %j", (value) => {
    expect(isIndexable(value)).toBe(false);
    expect(() => encodeKey(value)).toThrow("not supported");
  });
});

describe("successor", () => {
  it.each([
    [
      [1, 2],
      [1, 3],
    ],
    [[1, 255], [2]],
    [
      [255, 255],
      [255, 255, 255],
    ],
  ])("of %j is %j", (prefix, expected) => {
    expect(successor(Buffer.from(prefix))).toEqual(Buffer.from(expected));
  });
});
