// The commands that read documents, and those that fetch from or close their cursors.
import type { Document, Long } from "bson";

import type { CommandTable } from "./command.ts";
import type { Cursors, Result } from "./cursors.ts";
import type { Deadline } from "./deadline.ts";
import { checkPart, readCount, readDocument, readDocuments, readSort, readString } from "./options.ts";
import { aggregate, distinctValues, explainPlan, findDocuments, project, type FindOptions } from "./reads.ts";
import type { Store } from "./store.ts";

export function readCommands(store: Store, cursors: Cursors, deadline: Deadline): CommandTable {
  return {
    find: {
      fields: ["filter", "sort", "projection", "skip", "limit", "batchSize", "singleBatch"],
      run(command, db) {
        const name = readString(command, "find");
        const results = projectedResults(store, db, name, command, deadline);
        return cursors.start(`${db}.${name}`, results, {
          ...(command.batchSize !== undefined && { batchSize: readCount(command, "batchSize", 0) }),
          isSingle: command.singleBatch === true,
        });
      },
    },

    getMore: {
      fields: ["collection", "batchSize"],
      run(command, db) {
        const namespace = `${db}.${readString(command, "collection")}`;
        return cursors.next(String(command.getMore), namespace, readCount(command, "batchSize", 0));
      },
    },

    killCursors: {
      fields: ["cursors"],
      run(command) {
        const ids = readDocuments(command, "cursors") as unknown as (number | Long)[];
        const cursorsKilled = ids.filter((id) => cursors.kill(String(id)));
        const cursorsNotFound = ids.filter((id) => !cursorsKilled.includes(id));
        return { cursorsKilled, cursorsNotFound, cursorsAlive: [], cursorsUnknown: [] };
      },
    },

    aggregate: {
      fields: ["pipeline", "cursor"],
      run(command, db) {
        const name = readString(command, "aggregate");
        const cursor = readDocument(command, "cursor");
        checkPart(cursor, "a cursor", ["batchSize"]);
        const { batchSize } = cursor as { batchSize?: number };
        const pipeline = readDocuments(command, "pipeline");
        const results = aggregate(store.findCollection(db, name), pipeline, deadline);
        return cursors.start(`${db}.${name}`, results.values(), batchSize === undefined ? {} : { batchSize });
      },
    },

    count: {
      fields: ["query", "skip", "limit"],
      run(command, db) {
        const collection = store.findCollection(db, readString(command, "count"));
        let n = 0;
        for (const _ of findDocuments(collection, readFindOptions(command, "query", deadline))) n += 1;
        return { n };
      },
    },

    explain: {
      fields: ["verbosity"],
      run(command, db) {
        const explained = readDocument(command, "explain");
        const collection = store.findCollection(db, readString(explained, "find"));
        const plan = explainPlan(collection, readDocument(explained, "filter"), readSort(explained));
        return { queryPlanner: { winningPlan: plan } };
      },
    },

    distinct: {
      fields: ["key", "query"],
      run(command, db) {
        const collection = store.findCollection(db, readString(command, "distinct"));
        const [key, filter] = [readString(command, "key"), readDocument(command, "query")];
        return { values: distinctValues(collection, key, filter, deadline) };
      },
    },
  };
}

function* projectedResults(
  store: Store,
  db: string,
  name: string,
  command: Document,
  deadline: Deadline,
): Generator<Result> {
  const projection = readDocument(command, "projection");
  const isWhole = Object.keys(projection).length === 0;
  const options = { ...readFindOptions(command, "filter", deadline), sort: readSort(command) };
  for (const stored of findDocuments(store.findCollection(db, name), options)) {
    yield isWhole ? stored.bytes : project(stored.document, projection);
  }
}

function readFindOptions(command: Document, filterField: string, deadline: Deadline): FindOptions {
  return {
    filter: readDocument(command, filterField),
    skip: readCount(command, "skip", 0),
    limit: readCount(command, "limit", 0),
    deadline,
  };
}
