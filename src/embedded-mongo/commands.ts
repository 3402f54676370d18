// The commands that the service and its driver send, and no other: from a command's document to its answer.
// Called by `server.ts` for each message; does its work in one transaction of `store.ts`.
import { Long, type Document } from "bson";

import type { Collection, IndexSpec } from "./collection.ts";
import { Cursors } from "./cursors.ts";
import { MongoError, notImplemented } from "./errors.ts";
import {
  checkFields,
  checkPart,
  readCount,
  readDeadlineMs,
  readDocument,
  readDocuments,
  readSort,
  readString,
} from "./options.ts";
import { aggregate, distinctValues, findDocuments, parseQuery, project } from "./reads.ts";
import type { Store } from "./store.ts";
import { deleteDocuments, insertDocument, updateDocuments } from "./writes.ts";

/** MongoDB 7.0's number for what its drivers may send. */
const WIRE_VERSION = 21;
const MAX_BSON_BYTES = 16 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 48_000_000;

type Command = (command: Document, db: string) => Document;

/** Answers commands from one store. */
export class Commands {
  readonly #cursors = new Cursors();
  readonly #byName: ReadonlyMap<string, { fields: readonly string[]; run: Command }>;

  constructor(readonly store: Store) {
    this.#byName = new Map(
      Object.entries({
        hello: {
          fields: [
            "helloOk",
            "client",
            "compression",
            "topologyVersion",
            "maxAwaitTimeMS",
            "backpressure",
            "loadBalanced",
            "saslSupportedMechs",
          ],
          run: hello,
        },
        ping: { fields: [], run: () => ({}) },
        endSessions: { fields: [], run: () => ({}) },
        create: { fields: [], run: this.#create },
        listCollections: {
          fields: ["filter", "nameOnly", "cursor", "authorizedCollections"],
          run: this.#listCollections,
        },
        createIndexes: { fields: ["indexes"], run: this.#createIndexes },
        listIndexes: { fields: ["cursor"], run: this.#listIndexes },
        find: {
          fields: ["filter", "sort", "projection", "skip", "limit", "batchSize", "singleBatch"],
          run: this.#find,
        },
        getMore: { fields: ["collection", "batchSize"], run: this.#getMore },
        killCursors: { fields: ["cursors"], run: this.#killCursors },
        aggregate: { fields: ["pipeline", "cursor"], run: this.#aggregate },
        count: { fields: ["query", "skip", "limit"], run: this.#count },
        distinct: { fields: ["key", "query"], run: this.#distinct },
        insert: { fields: ["documents", "ordered"], run: this.#insert },
        update: { fields: ["updates", "ordered"], run: this.#update },
        delete: { fields: ["deletes", "ordered"], run: this.#delete },
        findAndModify: {
          fields: ["query", "update", "remove", "new", "upsert", "sort", "fields"],
          run: this.#findAndModify,
        },
      }),
    );
  }

  /** Never throws: a failed command is an answer with `ok: 0`. */
  run(command: Document): Document {
    try {
      const name = Object.keys(command)[0] ?? "";
      // Old spellings with which drivers open a connection.
      const known = this.#byName.get(name === "isMaster" || name === "ismaster" ? "hello" : name);
      if (!known) throw new MongoError("CommandNotFound", `no such command: '${name}'`);
      checkFields(command, name, known.fields);
      return { ...this.store.transaction(() => known.run(command, readString(command, "$db"))), ok: 1 };
    } catch (error) {
      return { ok: 0, ...toMongoError(error).toDocument() };
    }
  }

  readonly #create: Command = (command, db) => {
    this.store.createCollection(db, readString(command, "create"));
    return {};
  };

  readonly #listCollections: Command = (command, db) => {
    const query = parseQuery(readDocument(command, "filter"));
    const listed = this.store.listCollections(db).map(({ name }) => ({ name, type: "collection" }));
    return this.#cursors.start(
      `${db}.$cmd.listCollections`,
      listed.filter((one) => query.test(one)).values(),
      {},
    );
  };

  readonly #createIndexes: Command = (command, db) => {
    const name = readString(command, "createIndexes");
    const isNew = !this.store.findCollection(db, name);
    const collection = this.store.getCollection(db, name);
    const numIndexesBefore = collection.indexes.length;
    for (const given of readDocuments(command, "indexes")) {
      const spec = readIndexSpec(given);
      if (!hasIndex(collection, spec)) this.store.addIndex(collection, spec);
    }
    return {
      numIndexesBefore,
      numIndexesAfter: collection.indexes.length,
      createdCollectionAutomatically: isNew,
    };
  };

  readonly #listIndexes: Command = (command, db) => {
    const name = readString(command, "listIndexes");
    const collection = this.store.findCollection(db, name);
    if (!collection) throw new MongoError("NamespaceNotFound", `ns does not exist: ${db}.${name}`);
    const listed = collection.indexes.map(({ spec }) => ({ v: 2, ...spec }));
    return this.#cursors.start(collection.namespace, listed.values(), {});
  };

  readonly #find: Command = (command, db) => {
    const name = readString(command, "find");
    const projection = readDocument(command, "projection");
    const found = findDocuments(this.store.findCollection(db, name), {
      filter: readDocument(command, "filter"),
      sort: readSort(command),
      skip: readCount(command, "skip", 0),
      limit: readCount(command, "limit", 0),
      deadlineMs: readDeadlineMs(command),
    });
    const results = (function* () {
      for (const { document } of found) yield project(document, projection);
    })();
    return this.#cursors.start(`${db}.${name}`, results, {
      ...(command.batchSize !== undefined && { batchSize: readCount(command, "batchSize", 0) }),
      isSingle: command.singleBatch === true,
    });
  };

  readonly #getMore: Command = (command, db) => {
    const namespace = `${db}.${readString(command, "collection")}`;
    return this.#cursors.next(String(command.getMore), namespace, readCount(command, "batchSize", 0));
  };

  readonly #killCursors: Command = (command) => {
    const ids = readDocuments(command, "cursors") as unknown as (number | Long)[];
    const killed = ids.filter((id) => this.#cursors.kill(String(id)));
    return {
      cursorsKilled: killed,
      cursorsNotFound: ids.filter((id) => !killed.includes(id)),
      cursorsAlive: [],
      cursorsUnknown: [],
    };
  };

  readonly #aggregate: Command = (command, db) => {
    const name = readString(command, "aggregate");
    const { batchSize } = readDocument(command, "cursor") as { batchSize?: number };
    const collection = this.store.findCollection(db, name);
    const results = aggregate(collection, readDocuments(command, "pipeline"), readDeadlineMs(command));
    return this.#cursors.start(
      `${db}.${name}`,
      results.values(),
      batchSize === undefined ? {} : { batchSize },
    );
  };

  readonly #count: Command = (command, db) => {
    const found = findDocuments(this.store.findCollection(db, readString(command, "count")), {
      filter: readDocument(command, "query"),
      skip: readCount(command, "skip", 0),
      limit: readCount(command, "limit", 0),
      deadlineMs: readDeadlineMs(command),
    });
    let n = 0;
    for (const _ of found) n += 1;
    return { n };
  };

  readonly #distinct: Command = (command, db) => {
    const collection = this.store.findCollection(db, readString(command, "distinct"));
    const [key, filter] = [readString(command, "key"), readDocument(command, "query")];
    return { values: distinctValues(collection, key, filter, readDeadlineMs(command)) };
  };

  readonly #insert: Command = (command, db) => {
    const collection = this.store.getCollection(db, readString(command, "insert"));
    const documents = readDocuments(command, "documents");
    const { done, writeErrors } = this.#each(command, documents, (document) =>
      insertDocument(collection, document),
    );
    return { n: done.length, ...writeErrors };
  };

  readonly #update: Command = (command, db) => {
    const collection = this.store.getCollection(db, readString(command, "update"));
    const { done, writeErrors } = this.#each(command, readDocuments(command, "updates"), (statement) => {
      checkPart(statement, "an update", ["q", "u", "multi", "upsert", "sort"]);
      return updateDocuments(collection, {
        filter: readDocument(statement, "q"),
        update: readModifier(statement, "u"),
        isMulti: statement.multi === true,
        isUpsert: statement.upsert === true,
        sort: readSort(statement),
      });
    });
    const upserted = done
      .filter(({ result }) => result.upsertedId !== undefined)
      .map(({ index, result }) => ({ index, _id: result.upsertedId }));
    return {
      n: upserted.length + done.reduce((sum, { result }) => sum + result.matchedCount, 0),
      nModified: done.reduce((sum, { result }) => sum + result.modifiedCount, 0),
      ...(upserted.length > 0 && { upserted }),
      ...writeErrors,
    };
  };

  readonly #delete: Command = (command, db) => {
    const collection = this.store.getCollection(db, readString(command, "delete"));
    const { done, writeErrors } = this.#each(command, readDocuments(command, "deletes"), (statement) => {
      checkPart(statement, "a delete", ["q", "limit"]);
      const isMulti = readCount(statement, "limit", 0) === 0;
      return deleteDocuments(collection, { filter: readDocument(statement, "q"), isMulti });
    });
    return { n: done.reduce((sum, { result }) => sum + result.deletedCount, 0), ...writeErrors };
  };

  readonly #findAndModify: Command = (command, db) => {
    const collection = this.store.getCollection(db, readString(command, "findAndModify"));
    const [filter, sort, fields] = [
      readDocument(command, "query"),
      readSort(command),
      readDocument(command, "fields"),
    ];
    const show = (document: Document | null) => document && project(document, fields);
    if (command.remove === true) {
      const { deletedCount, last } = deleteDocuments(collection, { filter, isMulti: false, sort });
      return { lastErrorObject: { n: deletedCount }, value: show(last) };
    }
    const { matchedCount, before, after, upsertedId } = updateDocuments(collection, {
      filter,
      sort,
      update: readModifier(command, "update"),
      isMulti: false,
      isUpsert: command.upsert === true,
    });
    const lastErrorObject = {
      n: matchedCount === 0 && upsertedId === undefined ? 0 : 1,
      updatedExisting: matchedCount > 0,
      ...(upsertedId !== undefined && { upserted: upsertedId }),
    };
    return { lastErrorObject, value: show(command.new === true ? after : before) };
  };

  /** Runs the statements of a write one by one; one that fails is undone alone, and ends an ordered write. */
  #each<Result>(
    command: Document,
    statements: Document[],
    run: (statement: Document) => Result,
  ): { done: { index: number; result: Result }[]; writeErrors: { writeErrors?: Document[] } } {
    const done: { index: number; result: Result }[] = [];
    const writeErrors: Document[] = [];
    for (const [index, statement] of statements.entries()) {
      try {
        done.push({ index, result: this.store.step(() => run(statement)) });
      } catch (error) {
        if (!(error instanceof MongoError) || error.codeName === "OutOfDiskSpace") throw error;
        writeErrors.push({ index, ...error.toDocument() });
        if (command.ordered !== false) break;
      }
    }
    return { done, writeErrors: writeErrors.length > 0 ? { writeErrors } : {} };
  }
}

function hello(): Document {
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: MAX_BSON_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    minWireVersion: 0,
    maxWireVersion: WIRE_VERSION,
    readOnly: false,
  };
}

/** The operators of an update or its replacement. @throws NotImplemented for a pipeline */
function readModifier(statement: Document, field: string): Document {
  if (Array.isArray(statement[field])) throw notImplemented("An update with a pipeline");
  return readDocument(statement, field);
}

function readIndexSpec(given: Document): IndexSpec {
  // MongoDB itself has ignored `background` since 4.2, and answers 2 for `v`.
  const { background: _background, v: _v, ...spec } = given;
  checkPart(spec, "an index", ["key", "name", "unique", "sparse", "partialFilterExpression"]);
  const key = readSort(spec, "key");
  if (Object.keys(key).length === 0)
    throw new MongoError("CannotCreateIndex", "Index keys cannot be an empty object");
  if (spec.partialFilterExpression) parseQuery(spec.partialFilterExpression as Document);
  return { ...spec, name: readString(spec, "name"), key };
}

/** @throws IndexOptionsConflict, IndexKeySpecsConflict when another index has the name or the key */
function hasIndex(collection: Collection, spec: IndexSpec): boolean {
  for (const { spec: existing } of collection.indexes) {
    const [sameName, sameKey] = [existing.name === spec.name, sameText(existing.key, spec.key)];
    const sameOptions = (["unique", "sparse", "partialFilterExpression"] as const).every(
      (option) =>
        (option === "unique" && existing.name === "_id_") ||
        sameText(existing[option] || undefined, spec[option] || undefined),
    );
    if (sameKey && sameOptions && (sameName || existing.name === "_id_")) return true;
    if (sameName) {
      throw new MongoError(
        "IndexKeySpecsConflict",
        `An existing index has the same name as the requested index: ${spec.name}`,
      );
    }
    if (sameKey)
      throw new MongoError(
        "IndexOptionsConflict",
        `Index already exists with a different name: ${existing.name}`,
      );
  }
  return false;
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function toMongoError(error: unknown): MongoError {
  if (error instanceof MongoError) return error;
  return new MongoError("InternalError", (error as Error).message, {}, { cause: error });
}
