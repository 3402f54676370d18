// The contract that the service and its driver expect of a MongoDB server, embedded or not. The tests use the plain
// driver.
import mongoose from "mongoose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { connectToFreshDatabase, secondDatabaseUri } from "../support/database.ts";

const { ObjectId } = mongoose.mongo;

let db: mongoose.mongo.Db;
let close: () => Promise<void>;
let people: mongoose.mongo.Collection;
let lastName = 0;

beforeAll(async () => {
  ({ db, close } = await connectToFreshDatabase());
});
afterAll(() => close());
beforeEach(() => {
  people = db.collection(`people_${(lastName += 1)}`);
});

const names = (documents: object[]) => documents.map((document) => (document as { name: string }).name);

describe("insert", () => {
  it("gives a document an id when it has none", async () => {
    const { insertedId } = await people.insertOne({ name: "ada" });

    expect(insertedId).toBeInstanceOf(ObjectId);
    expect(await people.findOne({ _id: insertedId })).toEqual({ _id: insertedId, name: "ada" });
  });

  it("keeps every type that the records use", async () => {
    const document = {
      _id: new ObjectId(),
      text: "snow ☃ and a\0zero",
      whole: 42,
      fraction: -1.5,
      large: 2 ** 40,
      at: new Date("2026-11-24T05:00:00.123Z"),
      yes: true,
      nothing: null,
      id: new ObjectId(),
      nested: { list: [1, "two", { three: 3 }] },
    };

    await people.insertOne(document);

    expect(await people.findOne()).toEqual(document);
  });

  it("refuses a second document with the same id", async () => {
    const { insertedId } = await people.insertOne({ name: "ada" });

    await expect(people.insertOne({ _id: insertedId })).rejects.toMatchObject({ code: 11000 });
    expect(await people.countDocuments()).toBe(1);
  });

  it("keeps the documents before the failure of an ordered insert, and none after it", async () => {
    const id = new ObjectId();
    const documents = [{ _id: id, name: "first" }, { _id: id, name: "twin" }, { name: "after" }];

    await expect(people.insertMany(documents)).rejects.toMatchObject({ code: 11000 });

    expect(names(await people.find().toArray())).toEqual(["first"]);
  });

  it("goes on after the failure of an unordered insert", async () => {
    const id = new ObjectId();
    const documents = [{ _id: id, name: "first" }, { _id: id, name: "twin" }, { name: "after" }];

    await expect(people.insertMany(documents, { ordered: false })).rejects.toMatchObject({ code: 11000 });

    expect(names(await people.find().toArray())).toEqual(["first", "after"]);
  });
});

describe("unique index", () => {
  beforeEach(() => people.createIndex({ name: 1 }, { unique: true }));

  it("refuses a second document with the same value", async () => {
    await people.insertOne({ name: "ada" });

    await expect(people.insertOne({ name: "ada" })).rejects.toMatchObject({ code: 11000 });
  });

  it("refuses an update that would make a duplicate, and leaves the document unchanged", async () => {
    await people.insertMany([{ name: "ada" }, { name: "grace" }]);

    await expect(people.updateOne({ name: "grace" }, { $set: { name: "ada" } })).rejects.toMatchObject({
      code: 11000,
    });

    expect(names(await people.find().sort({ name: 1 }).toArray())).toEqual(["ada", "grace"]);
  });

  it("lets exactly one of many concurrent inserts through", async () => {
    const attempts = Array.from({ length: 20 }, () => people.insertOne({ name: "ada" }));

    const outcomes = await Promise.allSettled(attempts);

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("frees a value that was changed or deleted", async () => {
    await people.insertMany([{ name: "ada" }, { name: "grace" }]);
    await people.updateOne({ name: "ada" }, { $set: { name: "lovelace" } });
    await people.deleteOne({ name: "grace" });

    await people.insertMany([{ name: "ada" }, { name: "grace" }]);

    expect(await people.countDocuments()).toBe(3);
  });

  it("cannot be created over values that already occur twice", async () => {
    const others = db.collection(`others_${lastName}`);
    await others.insertMany([{ name: "ada" }, { name: "ada" }]);

    // The error code differs between servers.
    await expect(others.createIndex({ name: 1 }, { unique: true })).rejects.toThrow();
    expect(await others.countDocuments()).toBe(2);
  });
});

describe("indexes", () => {
  it("are listed, including the one on _id", async () => {
    await people.createIndex({ name: 1 }, { unique: true });
    await people.createIndex({ at: 1 }, { sparse: true });

    const listed = await people.indexes();

    expect(listed.map(({ key }) => key)).toEqual([{ _id: 1 }, { name: 1 }, { at: 1 }]);
    expect(listed).toContainEqual(expect.objectContaining({ name: "name_1", unique: true }));
    expect(listed).toContainEqual(expect.objectContaining({ name: "at_1", sparse: true }));
  });

  it("may be created again without an error", async () => {
    await people.createIndex({ name: 1 }, { unique: true });

    await expect(people.createIndex({ name: 1 }, { unique: true })).resolves.toBe("name_1");
  });

  it("cover documents that were inserted before them", async () => {
    await people.insertMany([{ n: 3 }, { n: 1 }, { n: 2 }]);

    await people.createIndex({ n: 1 });

    expect(
      (
        await people
          .find({ n: { $gte: 2 } })
          .sort({ n: -1 })
          .toArray()
      ).map(({ n }) => n),
    ).toEqual([3, 2]);
  });
});

describe("find", () => {
  const ada = { name: "ada", born: 1815, tag: { role: "writer" } };
  const grace = { name: "grace", born: 1906, tag: { role: "admiral" }, retired: new Date(0) };
  const joan = { name: "joan", born: 1917, retired: null };

  beforeEach(async () => {
    await people.createIndex({ born: 1 });
    await people.createIndex({ retired: 1 }, { sparse: true });
    await people.insertMany([grace, ada, joan].map((person) => ({ ...person })));
  });

  it.each([
    ["everything without a condition", {}, ["grace", "ada", "joan"]],
    ["by equality", { name: "ada" }, ["ada"]],
    ["by equality on an index", { born: 1906 }, ["grace"]],
    ["by several fields", { name: "ada", born: 1906 }, []],
    ["by a nested field", { "tag.role": "admiral" }, ["grace"]],
    ["by a set", { born: { $in: [1815, 1917, 1] } }, ["ada", "joan"]],
    ["by a range", { born: { $gt: 1815, $lte: 1917 } }, ["grace", "joan"]],
    ["by inequality", { name: { $ne: "ada" } }, ["grace", "joan"]],
    ["by absence or null", { retired: null }, ["ada", "joan"]],
    ["by presence", { retired: { $exists: true } }, ["grace", "joan"]],
    ["by a range of dates, which excludes null and absence", { retired: { $lt: new Date() } }, ["grace"]],
    ["by alternatives", { $or: [{ name: "ada" }, { born: { $gt: 1910 } }] }, ["ada", "joan"]],
    ["by conjunction", { $and: [{ born: { $gt: 1815 } }, { born: { $lt: 1917 } }] }, ["grace"]],
    ["nothing by a value of another type", { born: { $gt: "1815" } }, []],
  ])("selects %s", async (_what, filter, expected) => {
    const found = await people.find(filter).toArray();

    expect(names(found).toSorted()).toEqual(expected.toSorted());
  });

  it.each([
    [{ born: 1 }, ["ada", "grace", "joan"]],
    [{ born: -1 }, ["joan", "grace", "ada"]],
    [{ name: -1 }, ["joan", "grace", "ada"]],
    [{ "tag.role": 1, name: 1 }, ["joan", "grace", "ada"]],
  ] as [Record<string, 1 | -1>, string[]][])("sorts by %j", async (sort, expected) => {
    expect(names(await people.find().sort(sort).toArray())).toEqual(expected);
  });

  it("skips and limits", async () => {
    expect(names(await people.find().sort({ born: 1 }).skip(1).limit(1).toArray())).toEqual(["grace"]);
  });

  it("returns only the requested fields", async () => {
    expect(await people.findOne({ name: "ada" }, { projection: { _id: 0, name: 1, "tag.role": 1 } })).toEqual(
      {
        name: "ada",
        tag: { role: "writer" },
      },
    );
  });

  it("leaves out excluded fields", async () => {
    expect(await people.findOne({ name: "joan" }, { projection: { _id: 0, born: 0 } })).toEqual({
      name: "joan",
      retired: null,
    });
  });

  it("finds nothing in a collection that does not exist", async () => {
    const nowhere = db.collection("nowhere");

    expect(await nowhere.findOne()).toBeNull();
    expect(await nowhere.countDocuments()).toBe(0);
    expect(await nowhere.find().toArray()).toEqual([]);
  });

  it("refuses an operator that does not exist", async () => {
    await expect(people.find({ born: { $younger: 3 } }).toArray()).rejects.toMatchObject({ code: 2 });
  });
});

describe("cursor", () => {
  beforeEach(() => people.insertMany(Array.from({ length: 350 }, (_, n) => ({ n }))));

  it("returns everything in batches", async () => {
    const found = await people.find().batchSize(100).toArray();

    expect(found.map(({ n }) => n)).toEqual(Array.from({ length: 350 }, (_, n) => n));
  });

  it("may be closed before its end", async () => {
    const cursor = people.find().sort({ n: -1 }).batchSize(2);

    expect((await cursor.next())?.n).toBe(349);

    await cursor.close();
  });

  it("continues during writes", async () => {
    const cursor = people.find({ n: { $lt: 350 } }).batchSize(50);
    const seen = [(await cursor.next())!.n];

    await people.insertOne({ n: 1000 });
    for await (const { n } of cursor) seen.push(n);

    expect(seen).toEqual(Array.from({ length: 350 }, (_, n) => n));
  });
});

describe("update", () => {
  it("sets, counts and removes fields", async () => {
    await people.insertOne({ name: "ada", n: 1, old: true });

    const result = await people.updateOne(
      { name: "ada" },
      { $set: { "tag.role": "x" }, $inc: { n: 2, m: 1 }, $unset: { old: 1 } },
    );

    expect(result).toMatchObject({ matchedCount: 1, modifiedCount: 1 });
    expect(await people.findOne({}, { projection: { _id: 0 } })).toEqual({
      name: "ada",
      n: 3,
      m: 1,
      tag: { role: "x" },
    });
  });

  it("counts matched and modified documents separately", async () => {
    await people.insertOne({ n: 1 });

    expect(await people.updateOne({ n: 1 }, { $set: { n: 1 } })).toMatchObject({
      matchedCount: 1,
      modifiedCount: 0,
    });
    expect(await people.updateOne({ n: 2 }, { $set: { n: 3 } })).toMatchObject({
      matchedCount: 0,
      modifiedCount: 0,
    });
  });

  it("changes one document or all", async () => {
    await people.insertMany([{ n: 1 }, { n: 1 }, { n: 2 }]);

    expect((await people.updateOne({ n: 1 }, { $set: { seen: true } })).modifiedCount).toBe(1);
    expect((await people.updateMany({ n: 1 }, { $inc: { n: 1 } })).modifiedCount).toBe(2);
    expect(await people.countDocuments({ n: 2 })).toBe(3);
  });

  it("inserts a document that it does not find, with the values of $setOnInsert", async () => {
    const change = { $set: { a: 1 }, $setOnInsert: { b: 2 }, $inc: { n: 1 } };

    const first = await people.updateOne({ name: "ada" }, change, { upsert: true });
    const second = await people.updateOne({ name: "ada" }, change, { upsert: true });

    expect(first).toMatchObject({ matchedCount: 0, upsertedCount: 1, upsertedId: expect.any(ObjectId) });
    expect(second).toMatchObject({ matchedCount: 1, upsertedCount: 0 });
    expect(await people.find({}, { projection: { _id: 0 } }).toArray()).toEqual([
      { name: "ada", a: 1, b: 2, n: 2 },
    ]);
  });

  it("replaces a document and keeps its id", async () => {
    const { insertedId } = await people.insertOne({ name: "ada", n: 1 });

    await people.replaceOne({ name: "ada" }, { name: "grace" });

    expect(await people.find().toArray()).toEqual([{ _id: insertedId, name: "grace" }]);
  });

  it("inserts under the id that the filter names", async () => {
    const _id = new ObjectId();

    await people.updateOne({ _id }, { $set: { name: "ada" } }, { upsert: true });
    await people.updateOne({ _id }, { $set: { _id, name: "grace" } }, { upsert: true });

    expect(await people.find().toArray()).toEqual([{ _id, name: "grace" }]);
  });

  it("never changes an id", async () => {
    await people.insertOne({ name: "ada" });

    await expect(people.updateOne({}, { $set: { _id: new ObjectId() } })).rejects.toMatchObject({ code: 66 });
  });

  it("does not increment a value that is not a number", async () => {
    await people.insertOne({ name: "ada" });

    await expect(people.updateOne({}, { $inc: { name: 1 } })).rejects.toMatchObject({ code: 14 });
  });

  it.each([
    ["neither an update nor a removal", { findAndModify: "x", query: {} }],
    ["both operators and fields", { findAndModify: "x", query: {}, update: { $set: { a: 1 }, b: 2 } }],
    ["an operator that does not exist", { findAndModify: "x", query: {}, update: { $conjure: { a: 1 } } }],
    ["an operator without fields", { findAndModify: "x", query: {}, update: { $set: 5 } }],
    [
      "two operators on one field",
      { findAndModify: "x", query: {}, update: { $set: { a: 1 }, $inc: { a: 1 } } },
    ],
    ["a field within a number", { findAndModify: "x", query: {}, update: { $set: { "n.deep": 1 } } }],
    [
      "both an update and a removal",
      { findAndModify: "x", query: {}, update: { $set: { a: 1 } }, remove: true },
    ],
  ])("is refused with %s, and leaves the document unchanged", async (_what, command) => {
    await people.insertOne({ name: "ada", n: 1 });

    await expect(db.command({ ...command, findAndModify: people.collectionName })).rejects.toThrow();

    expect(await people.findOne({}, { projection: { _id: 0 } })).toEqual({ name: "ada", n: 1 });
  });

  it("of a collection that does not exist changes nothing and does not create it", async () => {
    expect((await people.updateOne({ n: 1 }, { $set: { n: 2 } })).matchedCount).toBe(0);
    expect((await people.deleteMany({})).deletedCount).toBe(0);
    expect(await db.listCollections({ name: people.collectionName }).toArray()).toEqual([]);
  });

  it("loses none of many concurrent increments", async () => {
    await people.insertOne({ name: "ada", n: 0 });

    await Promise.all(
      Array.from({ length: 200 }, () => people.updateOne({ name: "ada" }, { $inc: { n: 1 } })),
    );

    expect((await people.findOne())?.n).toBe(200);
  });
});

describe("findOneAndUpdate", () => {
  it("returns the document before or after the update", async () => {
    await people.insertOne({ name: "ada", n: 1 });
    const change = { $inc: { n: 1 } };

    expect((await people.findOneAndUpdate({ name: "ada" }, change, { returnDocument: "before" }))?.n).toBe(1);
    expect((await people.findOneAndUpdate({ name: "ada" }, change, { returnDocument: "after" }))?.n).toBe(3);
    expect(await people.findOneAndUpdate({ name: "bob" }, change)).toBeNull();
  });

  it("takes the first document in the sort order", async () => {
    await people.insertMany([{ n: 1 }, { n: 3 }, { n: 2 }]);

    const taken = await people.findOneAndUpdate({}, { $set: { taken: true } }, { sort: { n: -1 } });

    expect(taken?.n).toBe(3);
  });

  it("lets exactly one of two concurrent compare-and-swap updates win", async () => {
    const [one, two] = [new ObjectId(), new ObjectId()];
    await people.insertOne({ name: "ada", picture: null });

    const outcomes = await Promise.all(
      [one, two].map((picture) => people.updateOne({ name: "ada", picture: null }, { $set: { picture } })),
    );

    expect(outcomes.map(({ matchedCount }) => matchedCount).toSorted()).toEqual([0, 1]);
  });

  it("deletes and returns the document as findOneAndDelete", async () => {
    await people.insertOne({ name: "ada" });

    expect((await people.findOneAndDelete({ name: "ada" }))?.name).toBe("ada");
    expect(await people.countDocuments()).toBe(0);
  });
});

describe("delete", () => {
  it("removes one document or all, and returns their number", async () => {
    await people.insertMany([{ n: 1 }, { n: 1 }, { n: 1 }, { n: 2 }]);

    expect((await people.deleteOne({ n: 1 })).deletedCount).toBe(1);
    expect((await people.deleteMany({ n: 1 })).deletedCount).toBe(2);
    expect((await people.deleteMany({ n: 9 })).deletedCount).toBe(0);
    expect(await people.countDocuments()).toBe(1);
  });
});

describe("bulk write", () => {
  it("runs many writes in one command", async () => {
    await people.insertMany([
      { name: "ada", n: 0 },
      { name: "grace", n: 0 },
    ]);

    const result = await people.bulkWrite([
      { updateOne: { filter: { name: "ada" }, update: { $inc: { n: 5 } } } },
      { updateOne: { filter: { name: "nobody" }, update: { $inc: { n: 5 } } } },
      { updateOne: { filter: { name: "grace" }, update: { $unset: { n: 1 } } } },
    ]);

    expect(result).toMatchObject({ matchedCount: 2, modifiedCount: 2, upsertedCount: 0 });
    expect((await people.findOne({ name: "ada" }))?.n).toBe(5);
  });
});

describe("aggregate", () => {
  beforeEach(() =>
    people.insertMany([
      { kind: "a", n: 1 },
      { kind: "b", n: 2 },
      { kind: "a", n: 3 },
    ]),
  );

  it("matches, groups and sorts", async () => {
    const sums = await people
      .aggregate([
        { $match: { n: { $gt: 0 } } },
        { $group: { _id: "$kind", sum: { $sum: "$n" } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();

    expect(sums).toEqual([
      { _id: "a", sum: 4 },
      { _id: "b", sum: 2 },
    ]);
  });

  it("counts documents", async () => {
    expect(await people.countDocuments({ kind: "a" })).toBe(2);
    expect(await people.estimatedDocumentCount()).toBe(3);
  });

  it("lists distinct values", async () => {
    await people.insertMany([{ kind: ["b", "c"], n: 1 }, { n: 1 }]);

    expect((await people.distinct("kind", { n: { $gt: 0 } })).toSorted()).toEqual(["a", "b", "c"]);
  });

  it("refuses a stage that does not exist", async () => {
    await expect(people.aggregate([{ $conjure: {} }]).toArray()).rejects.toMatchObject({ code: 40324 });
  });
});

describe("commands", () => {
  it("answers a ping", async () => {
    expect(await db.command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it("refuses a command that does not exist", async () => {
    await expect(db.command({ conjure: 1 })).rejects.toMatchObject({ code: 59 });
  });

  it("lists collections", async () => {
    await people.insertOne({});

    expect(
      (await db.listCollections({ name: people.collectionName }).toArray()).map(({ name }) => name),
    ).toEqual([people.collectionName]);
  });

  it.skipIf(secondDatabaseUri() !== undefined).each([
    ["a collation", () => people.find().collation({ locale: "en" }).toArray(), 40415],
    ["a hint", () => people.find().hint({ _id: 1 }).toArray(), 40415],
    ["a text index", () => people.createIndex({ name: "text" }), 2],
    [
      "an index that lets documents expire",
      () => people.createIndex({ at: 1 }, { expireAfterSeconds: 5 }),
      238,
    ],
    ["an update with a pipeline", () => people.updateOne({}, [{ $set: { a: 1 } }]), 238],
    ["an operator on arrays", () => people.updateOne({}, { $push: { a: 1 } as object }), 238],
    ["array filters", () => people.updateOne({}, { $set: { a: 1 } }, { arrayFilters: [{ x: 1 }] }), 238],
    ["a write concern of several servers", () => people.insertOne({}, { writeConcern: { w: 3 } }), 100],
    [
      "a look-up in another collection",
      () => people.aggregate([{ $lookup: { from: "x" } }]).toArray(),
      40324,
    ],
    ["JavaScript in a query", () => people.find({ $where: "true" }).toArray(), 2],
  ])("the embedded database refuses %s rather than ignoring it", async (_what, ask, code) => {
    await expect(ask()).rejects.toMatchObject({ code });
  });
});
