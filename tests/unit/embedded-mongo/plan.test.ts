// Checks that a query finds the same documents as a full scan, with every index that the planner may choose.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { ObjectId, type Document } from "bson";
import { Query } from "mingo";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Collection } from "../../../src/embedded-mongo/collection.ts";
import { choosePlan } from "../../../src/embedded-mongo/plan.ts";
import { findDocuments } from "../../../src/embedded-mongo/reads.ts";
import { Store } from "../../../src/embedded-mongo/store.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const DOCUMENT_COUNT = 400;
const QUERY_COUNT = 600;

let folder: string;
let store: Store;
let collection: Collection;

const random = seededRandom(20261124);
const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
const values = [null, 0, 1, 2, 3, "a", "b", "ab", "", true, false, new Date(5), new Date(9), -1, 2.5];

function randomDocument(): Document {
  const document: Document = { _id: new ObjectId() };
  for (const field of ["a", "b", "c"]) if (random() < 0.8) document[field] = pick(values);
  return document;
}

function randomCondition(): unknown {
  const bound = () => pick(values.filter((value) => value !== null));
  switch (Math.floor(random() * 6)) {
    case 0:
      return { $in: [pick(values), pick(values), pick(values)] };
    case 1:
      return { [pick(["$gt", "$gte"])]: bound() };
    case 2:
      return { [pick(["$lt", "$lte"])]: bound() };
    case 3:
      return { $gte: pick([0, 1, 2]), $lt: pick([1, 2, 3]) };
    case 4:
      return { $ne: pick(values) };
    default:
      return pick(values);
  }
}

function randomQuery(): { filter: Document; sort: Record<string, 1 | -1> } {
  const filter: Document = {};
  const sort: Record<string, 1 | -1> = {};
  for (const field of ["a", "b", "c"]) {
    if (random() < 0.45) filter[field] = randomCondition();
    if (random() < 0.25) sort[field] = pick([1, -1] as const);
  }
  return { filter, sort };
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "letsapp-plan-"));
  store = new Store(path.join(folder, "test.sqlite"));
  store.transaction(() => {
    collection = store.createCollection("test", "things");
    store.addIndex(collection, { name: "a", key: { a: 1 } });
    store.addIndex(collection, { name: "ab", key: { a: 1, b: -1 } });
    store.addIndex(collection, { name: "bca", key: { b: -1, c: 1, a: 1 } });
    store.addIndex(collection, { name: "c", key: { c: 1 }, sparse: true });
    for (let i = 0; i < DOCUMENT_COUNT; i++) collection.insert(randomDocument());
  });
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const ids = (documents: Document[]) => documents.map(({ _id }) => String(_id)).toSorted();
function readAllSorted(all: Document[], filter: Document, sort: Record<string, 1 | -1>): Document[] {
  const found = new Query(filter).find<Document>(all);
  return (Object.keys(sort).length > 0 ? found.sort(sort) : found).all();
}
const keysOf = (documents: Document[], sort: object) =>
  documents.map((document) => Object.keys(sort).map((field) => document[field] ?? null));

describe("a query on indexes", () => {
  it("finds the documents that a full scan finds, in the requested order", () => {
    const all = [...collection.readAll()].map(({ document }) => document);
    const usedIndexes = new Set<string>();

    for (let i = 0; i < QUERY_COUNT; i++) {
      const { filter, sort } = randomQuery();
      const found = [...findDocuments(collection, { filter, sort })].map(({ document }) => document);
      const expected = readAllSorted(all, filter, sort);
      expect(ids(found), JSON.stringify({ filter, sort })).toEqual(ids(expected));
      expect(keysOf(found, sort), JSON.stringify({ filter, sort })).toEqual(keysOf(expected, sort));
      usedIndexes.add(choosePlan(collection.indexes, filter, sort)?.index.spec.name ?? "none");
    }

    expect([...usedIndexes].toSorted()).toEqual(["a", "ab", "bca", "c", "none"]);
  });

  it("finds the documents that a full scan finds after updates and deletions", () => {
    store.transaction(() => {
      for (const [i, stored] of [...collection.readAll()].entries()) {
        if (i % 3 === 0) collection.remove(stored);
        else if (i % 3 === 1)
          collection.replace(stored, { ...randomDocument(), _id: stored.document._id as ObjectId });
      }
    });
    const all = [...collection.readAll()].map(({ document }) => document);

    for (let i = 0; i < QUERY_COUNT; i++) {
      const { filter, sort } = randomQuery();
      const found = [...findDocuments(collection, { filter, sort })].map(({ document }) => document);
      expect(ids(found), JSON.stringify(filter)).toEqual(ids(new Query(filter).find<Document>(all).all()));
    }
  });

  it("reads a single range of the _id index for an id", () => {
    const { document } = [...collection.readAll()][0]!;

    const plan = choosePlan(collection.indexes, { _id: document._id, a: 1 }, {});

    expect(plan?.index.spec.name).toBe("_id_");
    expect(plan?.ranges).toHaveLength(1);
  });

  it("stops at the limit, and does not sort when an index has the order", () => {
    const found = findDocuments(collection, { filter: {}, sort: { a: 1 }, limit: 3 });

    expect([...found]).toHaveLength(3);
    expect(choosePlan(collection.indexes, {}, { a: 1 })?.isSorted).toBe(true);
  });
});
