// Checks that operators change generated documents as mingo changes them.
import { deserialize, ObjectId, serialize, type Document } from "bson";
import { update as applyModifier } from "mingo/updater";
import { describe, expect, it } from "vitest";

import { applyOperators, changesOnlyTopLevel } from "../../../src/embedded-mongo/update-operators.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const UPDATE_COUNT = 3_000;

const random = seededRandom(20261202);
const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
// Without -0: mingo leaves a 0 that is set to -0 unchanged.
const numbers = [0, 1, 2.5, -7, 2 ** 31, 2 ** 53];
const values = [
  null,
  true,
  "",
  "text",
  new Date(9),
  new ObjectId(),
  [1, { x: 2 }],
  { x: { y: 1 } },
  ...numbers,
];
const fields = ["a", "b", "c", "d"];

function randomFields(operands: readonly unknown[], names: readonly string[]): Document {
  return Object.fromEntries(names.map((name) => [name, pick(operands)]));
}

function randomModifier(): Document {
  const shuffled = fields.toSorted(() => random() - 0.5);
  const modifier = {
    $set: randomFields(values, [shuffled[0]!, ...(random() < 0.1 ? ["deep.er"] : [])]),
    $unset: randomFields([1, ""], [shuffled[1]!]),
    $inc: randomFields(numbers, random() < 0.5 ? ["n"] : ["n", "m"]),
    $min: randomFields(numbers, [shuffled[2]!]),
  };
  return Object.fromEntries(Object.entries(modifier).filter(() => random() < 0.6));
}

function bytesOf(document: Document): string {
  return Buffer.from(serialize(document)).toString("latin1");
}

describe("update operators", () => {
  it("change documents as mingo changes them", () => {
    const differences: string[] = [];

    for (let i = 0; i < UPDATE_COUNT; i++) {
      const before = {
        ...randomFields(
          values,
          fields.filter(() => random() < 0.6),
        ),
        n: pick(numbers),
      };
      const modifier = randomModifier();
      const expected = deserialize(serialize(before));
      for (const [operator, given] of Object.entries(modifier)) {
        applyModifier(expected, { [operator]: given as Document } as Parameters<typeof applyModifier>[1]);
      }
      const after = applyOperators(deserialize(serialize(before)), modifier);
      if (bytesOf(after) !== bytesOf(expected)) differences.push(JSON.stringify([before, modifier, after]));
    }

    expect(differences).toEqual([]);
  });

  it("on top-level fields leave the values of a document that shares them unchanged", () => {
    const differences: string[] = [];

    for (let i = 0; i < UPDATE_COUNT; i++) {
      const before = { ...randomFields(values, fields), n: pick(numbers) };
      const modifier = randomModifier();
      const bytes = bytesOf(before);
      if (changesOnlyTopLevel(modifier)) applyOperators({ ...before }, modifier);
      if (bytesOf(before) !== bytes) differences.push(JSON.stringify([before, modifier]));
    }

    expect(differences).toEqual([]);
  });

  it("cannot set the prototype of a document", () => {
    const prototype = JSON.parse('{ "__proto__": { "isAdmin": true } }') as Document;

    expect(() => applyOperators({ a: 1 }, { $set: prototype })).toThrow("__proto__");
  });

  it("set the current date", () => {
    const { at } = applyOperators({ at: null }, { $currentDate: { at: true } }) as { at: Date };

    expect(Math.abs(Date.now() - at.getTime())).toBeLessThan(5_000);
  });
});
