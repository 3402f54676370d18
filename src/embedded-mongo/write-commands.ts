// The commands that change documents.
import type { Document } from "bson";

import type { CommandTable } from "./command.ts";
import { MongoError, notImplemented } from "./errors.ts";
import { checkPart, readCount, readDocument, readDocuments, readSort, readString } from "./options.ts";
import { project } from "./reads.ts";
import type { Store } from "./store.ts";
import { deleteDocuments, insertDocument, updateDocuments } from "./writes.ts";

export function writeCommands(store: Store): CommandTable {
  return {
    insert: {
      fields: ["documents", "ordered"],
      run(command, db) {
        const collection = store.getCollection(db, readString(command, "insert"));
        const documents = readDocuments(command, "documents");
        const { done, errors } = runEach(store, command, documents, (document) => {
          insertDocument(collection, document);
        });
        return { n: done.length, ...errors };
      },
    },

    update: {
      fields: ["updates", "ordered"],
      run(command, db) {
        const name = readString(command, "update");
        const { done, errors } = runEach(store, command, readDocuments(command, "updates"), (statement) => {
          checkPart(statement, "an update", ["q", "u", "multi", "upsert", "sort"]);
          const isUpsert = statement.upsert === true;
          const collection = isUpsert ? store.getCollection(db, name) : store.findCollection(db, name);
          return updateDocuments(collection, {
            filter: readDocument(statement, "q"),
            update: readModifier(statement, "u"),
            isMulti: statement.multi === true,
            isUpsert,
            sort: readSort(statement),
          });
        });
        const upserted = done
          .filter(({ result }) => result.upsertedId !== undefined)
          .map(({ index, result }) => ({ index, _id: result.upsertedId }));
        return {
          n: upserted.length + sum(done.map(({ result }) => result.matchedCount)),
          nModified: sum(done.map(({ result }) => result.modifiedCount)),
          ...(upserted.length > 0 && { upserted }),
          ...errors,
        };
      },
    },

    delete: {
      fields: ["deletes", "ordered"],
      run(command, db) {
        const collection = store.findCollection(db, readString(command, "delete"));
        const { done, errors } = runEach(store, command, readDocuments(command, "deletes"), (statement) => {
          checkPart(statement, "a delete", ["q", "limit"]);
          const isMulti = readCount(statement, "limit", 0) === 0;
          return deleteDocuments(collection, { filter: readDocument(statement, "q"), isMulti });
        });
        return { n: sum(done.map(({ result }) => result.deletedCount)), ...errors };
      },
    },

    findAndModify: {
      fields: ["query", "update", "remove", "new", "upsert", "sort", "fields"],
      run(command, db) {
        const [name, isUpsert] = [readString(command, "findAndModify"), command.upsert === true];
        const collection = isUpsert ? store.getCollection(db, name) : store.findCollection(db, name);
        const [filter, sort] = [readDocument(command, "query"), readSort(command)];
        const fields = readDocument(command, "fields");
        const show = (document: Document | null) => document && project(document, fields);
        if (command.remove === true) {
          if (command.update !== undefined || isUpsert) {
            throw new MongoError("FailedToParse", "Cannot specify both an update and remove=true");
          }
          const { deletedCount, last } = deleteDocuments(collection, { filter, isMulti: false, sort });
          return { lastErrorObject: { n: deletedCount }, value: show(last) };
        }
        const { matchedCount, before, after, upsertedId } = updateDocuments(collection, {
          filter,
          sort,
          update: readModifier(command, "update"),
          isMulti: false,
          isUpsert,
        });
        const lastErrorObject = {
          n: after ? 1 : 0,
          updatedExisting: matchedCount > 0,
          ...(upsertedId !== undefined && { upserted: upsertedId }),
        };
        return { lastErrorObject, value: show(command.new === true ? after : before) };
      },
    },
  };
}

/**
 * Runs the statements of a write in order. Only a statement that fails is rolled back; it ends an ordered write.
 *
 * @throws OutOfDiskSpace, which ends any write
 */
function runEach<Result>(
  store: Store,
  command: Document,
  statements: Document[],
  run: (statement: Document) => Result,
): { done: { index: number; result: Result }[]; errors: { writeErrors?: Document[] } } {
  const done: { index: number; result: Result }[] = [];
  const writeErrors: Document[] = [];
  for (const [index, statement] of statements.entries()) {
    try {
      done.push({ index, result: store.step(() => run(statement)) });
    } catch (error) {
      if (!(error instanceof MongoError) || error.codeName === "OutOfDiskSpace") throw error;
      writeErrors.push({ index, ...error.toDocument() });
      if (command.ordered !== false) break;
    }
  }
  return { done, errors: writeErrors.length > 0 ? { writeErrors } : {} };
}

/**
 * Returns the operators of an update, or the replacement document.
 *
 * @throws NotImplemented for a pipeline, FailedToParse when the field is missing
 */
function readModifier(statement: Document, field: string): Document {
  if (Array.isArray(statement[field])) throw notImplemented("An update with a pipeline");
  if (statement[field] === undefined)
    throw new MongoError("FailedToParse", "Either an update or remove=true must be specified");
  return readDocument(statement, field);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
