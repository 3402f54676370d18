// Counts attempts for the rate limits: in the memory of a single process, or in the database that several processes
// share.
import type { Collection, Connection, mongo } from "mongoose";
import { RateLimiterMemory, RateLimiterMongo, type RateLimiterAbstract } from "rate-limiter-flexible";

import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";

const COLLECTION = "rate_limit_attempts";

/** FerretDB's error code if another process has just inserted the same key. MongoDB retries such an upsert itself. */
const CONFLICTING_INSERT = 1;
const MAX_TRIES = 5;
/** MongoDB's error code, by which the library recognises and replaces an expired entry that is not removed yet. */
const DUPLICATE_KEY = 11000;

/**
 * The index by which MongoDB removes expired entries. The library would create it too, but without awaiting the result:
 * a failure would be an unhandled rejection, which ends the process.
 */
export const rateLimitIndexes = [
  { collection: COLLECTION, key: { expire: 1 as const }, options: { expireAfterSeconds: 0 } },
];

/** The id is the caller's key, because DocumentDB deadlocks on concurrent inserts under another unique index. */
interface Entry {
  _id: string;
  points: number;
  expire: Date;
}

export interface LimiterOptions {
  keyPrefix: string;
  points: number;
  duration: number;
}

export function createMemoryLimiter(options: LimiterOptions): RateLimiterAbstract {
  return new RateLimiterMemory(options);
}

/** Counters in a collection. MongoDB removes expired entries. */
export class MongoLimiters {
  readonly #entries: Collection<Entry>;

  /** @param clock the database's clock, so that processes whose own clocks differ have the same windows */
  constructor(
    connection: Connection,
    readonly clock: Pick<DatabaseClock, "offsetMs">,
  ) {
    this.#entries = connection.collection<Entry>(COLLECTION);
  }

  readonly create = (options: LimiterOptions): RateLimiterAbstract =>
    new RateLimiterMongo({
      ...options,
      storeClient: { collection: () => this.#guarded() },
      tableName: COLLECTION,
      // Once a caller is refused, it is refused without a query until its window ends.
      inMemoryBlockOnConsumed: options.points + 1,
    });

  /** The collection methods that the library calls, with our errors and ids. `createIndex` does nothing. */
  #guarded(): object {
    const toDatabase = <Value>(value: Value) => shiftDates(value, this.clock.offsetMs);
    const fromDatabase = <Value>(value: Value) => shiftDates(value, -this.clock.offsetMs);
    return {
      createIndex: () => Promise.resolve(),
      findOne: async (filter: object) =>
        fromDatabase(await querying(() => this.#entries.findOne(toDatabase(withId(filter))))),
      deleteOne: (filter: object) => querying(() => this.#entries.deleteOne(toDatabase(withId(filter)))),
      findOneAndUpdate: async (filter: object, update: Record<string, object>) => {
        const [where, change] = [toDatabase(withId(filter)), toDatabase(withoutKey(update))];
        const options = { upsert: true, returnDocument: "after" } as const;
        return fromDatabase(
          await retryingConflicts(() =>
            querying(() => this.#entries.findOneAndUpdate(where, change, options)),
          ),
        );
      },
    };
  }
}

/** Returns the value with every date in it moved, because the library uses this process's clock. */
function shiftDates<Value>(value: Value, byMs: number): Value {
  if (value instanceof Date) return new Date(+value + byMs) as Value;
  if (Array.isArray(value)) return value.map((part: unknown) => shiftDates(part, byMs)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, shiftDates(part as unknown, byMs)]),
  ) as Value;
}

/** Translates the library's field `key` to the id. */
function withId({ key, ...filter }: { key?: string }): mongo.Filter<Entry> {
  return { ...filter, _id: key! };
}

function withoutKey(update: Record<string, { key?: string }>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(update).map(([operator, { key: _, ...fields }]) => [operator, fields]),
  );
}

async function retryingConflicts<Result>(operation: () => Promise<Result>): Promise<Result> {
  for (let tryCount = 1; ; tryCount++) {
    try {
      return await operation();
    } catch (error) {
      if ((error as { code?: unknown }).code !== CONFLICTING_INSERT) throw error;
      if (tryCount === MAX_TRIES) throw Object.assign(error as Error, { code: DUPLICATE_KEY });
    }
  }
}
