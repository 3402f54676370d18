// Checks that a `Matcher` selects the documents that mingo selects, for generated documents and queries.
import { Binary, deserialize, Int32, Long, ObjectId, serialize, Timestamp, type Document } from "bson";
import { Query } from "mingo";
import { describe, expect, it } from "vitest";

import { StoredDocument } from "../../../src/embedded-mongo/collection.ts";
import { Matcher } from "../../../src/embedded-mongo/matcher.ts";
import { readScalars, toScalar } from "../../../src/embedded-mongo/scalars.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const DOCUMENT_COUNT = 100;
const QUERY_COUNT = 1_000;

const random = seededRandom(20261201);
const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;

const ids = ["00", "7f", "80", "ff"].map((byte) => new ObjectId(byte.repeat(12)));
const texts = ["", "a", "b", "ab", "ä", "a\0b", "0"];
const numbers = [0, -0, 1, -1, 2.5, 2 ** 31, -(2 ** 40), Infinity];
const dates = [new Date(0), new Date(-5), new Date(2 ** 41)];
const scalars = [null, true, false, ...texts, ...numbers, ...dates, ...ids];
const others = [NaN, [], ["a", 1], [null], {}, { x: 1 }, /a/, new Binary(Buffer.from("a")), Long.MAX_VALUE];
const fields = ["a", "b", "ab", "_id"];

function randomDocument(): Document {
  const document: Document = {};
  for (const field of fields) {
    if (random() < 0.7) document[field] = random() < 0.85 ? pick(scalars) : pick(others);
  }
  if (random() < 0.1) document.rare = pick([new Timestamp(5n), new Int32(3), /x/i, [{ a: 1 }], { b: 2 }]);
  return document;
}

function randomOperators(): Document {
  const value = () => (random() < 0.9 ? pick(scalars) : pick(others));
  const conditions = {
    $eq: value(),
    $ne: value(),
    $in: [value(), value(), value()],
    $nin: [value(), value()],
    $exists: random() < 0.5,
    $gt: value(),
    $gte: value(),
    $lt: value(),
    $lte: value(),
    $not: { $gt: value() },
  };
  const operators = Object.keys(conditions) as (keyof typeof conditions)[];
  return Object.fromEntries(
    [pick(operators), ...(random() < 0.3 ? [pick(operators)] : [])].map((name) => [name, conditions[name]]),
  );
}

function randomFilter(): Document {
  const filter: Document = {};
  for (const field of fields) {
    if (random() < 0.4) filter[field] = random() < 0.3 ? pick([...scalars, ...others]) : randomOperators();
  }
  if (random() < 0.1) filter.$or = [{ a: pick(scalars) }, { b: randomOperators() }];
  if (random() < 0.1) filter["a.x"] = randomOperators();
  return filter;
}

const encoded = Array.from({ length: DOCUMENT_COUNT }, () => serialize(randomDocument()));

describe("a matcher", () => {
  it("selects the documents that mingo selects", () => {
    const differences: string[] = [];
    let selectedCount = 0;

    for (let i = 0; i < QUERY_COUNT; i++) {
      const filter = randomFilter();
      const query = new Query(filter);
      const matcher = new Matcher(filter);
      for (const bytes of encoded) {
        const isSelected = query.test(deserialize(bytes));
        if (isSelected) selectedCount += 1;
        if (matcher.matches(new StoredDocument(1, bytes)) === isSelected) continue;
        differences.push(JSON.stringify([filter, deserialize(bytes)]));
      }
    }

    expect(differences).toEqual([]);
    expect(selectedCount).toBeGreaterThan(QUERY_COUNT);
  });

  it.each(["constructor", "__proto__", "toString"])("counts a field named %s as missing", (name) => {
    const matcher = new Matcher({ [name]: { $exists: false } });

    expect(matcher.matches(new StoredDocument(1, serialize({ a: 1 })))).toBe(true);
  });

  it("refuses an operator that does not exist", () => {
    expect(() => new Matcher({ a: 1, b: { $younger: 3 } })).toThrow(expect.objectContaining({ code: 2 }));
  });
});

describe("readScalars", () => {
  it.each(scalars.map((value) => [value]))("reads %j as it was written", (value) => {
    const bytes = Buffer.from(serialize({ before: { v: 7 }, v: value, w: 1 }));

    expect(readScalars(bytes, [Buffer.from("v"), Buffer.from("none")])).toEqual([toScalar(value), undefined]);
  });

  it.each(others.map((value) => [value]))("does not read %j", (value) => {
    expect(readScalars(Buffer.from(serialize({ v: value })), [Buffer.from("v")])).toBeNull();
  });
});
