// The commands about collections and their indexes.
import type { Document } from "bson";

import type { Collection, IndexSpec } from "./collection.ts";
import type { CommandTable } from "./command.ts";
import type { Cursors } from "./cursors.ts";
import { MongoError } from "./errors.ts";
import { checkPart, readDocument, readDocuments, readSort, readString } from "./options.ts";
import { parseQuery } from "./matcher.ts";
import type { Store } from "./store.ts";

export function collectionCommands(store: Store, cursors: Cursors): CommandTable {
  return {
    create: {
      fields: [],
      run(command, db) {
        store.createCollection(db, readString(command, "create"));
        return {};
      },
    },

    listCollections: {
      fields: ["filter", "nameOnly", "cursor", "authorizedCollections"],
      run(command, db) {
        const query = parseQuery(readDocument(command, "filter"));
        const listed = store.listCollections(db).map(({ name }) => ({ name, type: "collection" }));
        const selected = listed.filter((one) => query.test(one));
        return cursors.start(`${db}.$cmd.listCollections`, selected.values(), {});
      },
    },

    createIndexes: {
      fields: ["indexes"],
      run(command, db) {
        const name = readString(command, "createIndexes");
        const createdCollectionAutomatically = !store.findCollection(db, name);
        const collection = store.getCollection(db, name);
        const numIndexesBefore = collection.indexes.length;
        for (const given of readDocuments(command, "indexes")) {
          const spec = readIndexSpec(given);
          if (!hasIndex(collection, spec)) store.addIndex(collection, spec);
        }
        const numIndexesAfter = collection.indexes.length;
        return { numIndexesBefore, numIndexesAfter, createdCollectionAutomatically };
      },
    },

    listIndexes: {
      fields: ["cursor"],
      run(command, db) {
        const name = readString(command, "listIndexes");
        const collection = store.findCollection(db, name);
        if (!collection) throw new MongoError("NamespaceNotFound", `ns does not exist: ${db}.${name}`);
        const listed = collection.indexes.map(({ spec }) => ({ v: 2, ...spec }));
        return cursors.start(collection.namespace, listed.values(), {});
      },
    },
  };
}

/** @throws NotImplemented for an option that would change what the index does */
function readIndexSpec(given: Document): IndexSpec {
  // MongoDB has ignored `background` since 4.2. `listIndexes` always answers 2 for `v`.
  const { background: _background, v: _v, ...spec } = given;
  checkPart(spec, "an index", ["key", "name", "unique", "sparse"]);
  const key = readSort(spec, "key");
  if (Object.keys(key).length === 0) {
    throw new MongoError("CannotCreateIndex", "Index keys cannot be an empty object");
  }
  return { ...spec, name: readString(spec, "name"), key };
}

/**
 * True when the collection has this index already.
 *
 * @throws IndexKeySpecsConflict when another index has the same name
 * @throws IndexOptionsConflict when another index has the same key
 */
function hasIndex(collection: Collection, spec: IndexSpec): boolean {
  for (const { spec: existing } of collection.indexes) {
    const isSameKey = JSON.stringify(existing.key) === JSON.stringify(spec.key);
    const isSameName = existing.name === spec.name;
    if (isSameKey && existing.name === "_id_") return true;
    const isSameKind = !existing.unique === !spec.unique && !existing.sparse === !spec.sparse;
    if (isSameKey && isSameName && isSameKind) return true;
    if (isSameName) {
      throw new MongoError("IndexKeySpecsConflict", `There is another index with the name ${spec.name}`);
    }
    if (isSameKey) {
      throw new MongoError("IndexOptionsConflict", `The index ${existing.name} has the same key`);
    }
  }
  return false;
}
