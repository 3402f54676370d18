// The indexes that the queries need: lists them, finds those that are missing, and creates them.
import { setTimeout } from "node:timers/promises";

import { mongo, type Connection } from "mongoose";

import { isDuplicateKey, querying } from "./errors.ts";
import { mediaModel } from "./media.model.ts";
import { rateLimitIndexes } from "./rate-limit-store.ts";
import { userModel } from "./user.model.ts";

/** Maximum records of a MongoDB collection that gets a missing index at start. For more, it would take too long. */
const MAX_COUNT_AT_START = 10_000;

const MAX_TRIES = 5;
const RETRY_MS = 200;

/** Server error codes IndexOptionsConflict and IndexKeySpecsConflict. */
const conflictCodes = new Set<unknown>([85, 86]);

export interface WantedIndex {
  collection: string;
  key: Record<string, 1>;
  options: { unique?: boolean; sparse?: boolean; expireAfterSeconds?: number };
}

/** @param isShared true if several processes share the database, and count rate-limited attempts in it */
export function wantedIndexes(connection: Connection, isShared: boolean): WantedIndex[] {
  const ofRecords = [userModel(connection), mediaModel(connection)].flatMap((model) =>
    (model.schema.indexes() as [WantedIndex["key"], WantedIndex["options"]][]).map(
      ([key, { unique, sparse }]) => ({
        collection: model.collection.collectionName,
        key,
        options: { ...(unique && { unique: true }), ...(sparse && { sparse: true }) },
      }),
    ),
  );
  return isShared ? [...ofRecords, ...rateLimitIndexes] : ofRecords;
}

/** The index as "collection.field". */
export function nameOf({ collection, key }: WantedIndex): string {
  return `${collection}.${Object.keys(key).join("+")}`;
}

/** The wanted indexes that do not exist. A unique index can replace a plain one; a partial index counts as missing. */
export async function findMissingIndexes(
  connection: Connection,
  wanted: readonly WantedIndex[],
): Promise<WantedIndex[]> {
  const names = [...new Set(wanted.map(({ collection }) => collection))];
  const existing = await querying(async () => {
    const there = await connection.db!.listCollections({}, { nameOnly: true }).toArray();
    const known = names.filter((name) => there.some((one) => one.name === name));
    return Promise.all(
      known.map(async (name) => ({
        name,
        indexes: await connection.collection(name).listIndexes().toArray(),
      })),
    );
  });
  return wanted.filter(({ collection, key, options }) => {
    const { indexes = [] } = existing.find(({ name }) => name === collection) ?? {};
    return !indexes.some(
      (index) =>
        JSON.stringify(index.key) === JSON.stringify(key) &&
        (!options.unique || index.unique) &&
        index.partialFilterExpression === undefined &&
        index.expireAfterSeconds === options.expireAfterSeconds,
    );
  });
}

/** @throws Error that says what to do, when an existing index conflicts with this one */
export async function createIndex(connection: Connection, index: WantedIndex): Promise<void> {
  const { collection, key, options } = index;
  for (let tries = 1; ; tries++) {
    try {
      // No time limit: a large collection takes minutes, and the server runs other operations while it builds an index.
      await querying(() => connection.collection(collection).createIndex(key, { ...options, timeoutMS: 0 }));
      return;
    } catch (error) {
      if (conflictCodes.has((error as mongo.MongoServerError).code)) {
        throw new Error(
          `the database has an index that conflicts with ${nameOf(index)}. Drop it, then run npm run indexes.`,
          { cause: error },
        );
      }
      if (!(error instanceof mongo.MongoServerError) || isDuplicateKey(error) || tries === MAX_TRIES)
        throw error;
      // Another process may be creating the same index.
      await setTimeout(tries * RETRY_MS);
      if ((await findMissingIndexes(connection, [index])).length === 0) return;
    }
  }
}

/** Creates the missing indexes of small collections. @throws Error that says what to do, for large collections */
export async function prepareIndexes(connection: Connection, isShared: boolean): Promise<void> {
  const missing = await findMissingIndexes(connection, wantedIndexes(connection, isShared));
  const slow: WantedIndex[] = [];
  for (const index of missing) {
    const isLarge = isShared && (await isLargerThan(connection, index.collection, MAX_COUNT_AT_START));
    if (isLarge) slow.push(index);
    else await createIndex(connection, index);
  }
  if (slow.length > 0) {
    const names = slow.map(nameOf).join(", ");
    throw new Error(
      `the database lacks indexes: ${names}. Create them with npm run indexes, then start again.`,
    );
  }
}

async function isLargerThan(connection: Connection, collection: string, count: number): Promise<boolean> {
  const limit = count + 1;
  return (await querying(() => connection.collection(collection).countDocuments({}, { limit }))) === limit;
}
