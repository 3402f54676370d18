// Where attempts are counted: in the memory of the one process, or in the database that several share. Called by
// `parts.ts`; used through `services/rate-limits.ts`.
import type { Collection, Connection, mongo } from "mongoose";
import { RateLimiterMemory, RateLimiterMongo, type RateLimiterAbstract } from "rate-limiter-flexible";

import type { DatabaseClock } from "./clock.ts";
import { querying } from "./errors.ts";

const COLLECTION = "rate_limit_attempts";

/** FerretDB's answer where a key is there already. Where another process has just inserted it, MongoDB tries again. */
const CONFLICTING_INSERT = 1;
const MAX_TRIES = 5;
/** MongoDB's, by which the library knows an entry that has expired and is not removed yet: it then replaces it. */
const DUPLICATE_KEY = 11000;

/** The library would create its own unawaited, and take the process down when that fails. */
export const rateLimitIndexes = [
  { collection: COLLECTION, key: { expire: 1 as const }, options: { expireAfterSeconds: 0 } },
];

/** An entry has the caller's key as its id. DocumentDB deadlocks where many at once insert under another unique index. */
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

/** Counters in a collection whose entries MongoDB removes by itself once they have expired. */
export class MongoLimiters {
  readonly #entries: Collection<Entry>;

  /** @param clock the database's: windows are the same for processes whose clocks differ */
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
      // A refused caller is refused from memory until its time is over.
      inMemoryBlockOnConsumed: options.points + 1,
    });

  /** The verbs that the library uses, with our errors and ids, and without its own creation of indexes. */
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

/** The same value with every date in it moved: the library uses this process's clock. */
function shiftDates<Value>(value: Value, byMs: number): Value {
  if (value instanceof Date) return new Date(+value + byMs) as Value;
  if (Array.isArray(value)) return value.map((part: unknown) => shiftDates(part, byMs)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, shiftDates(part as unknown, byMs)]),
  ) as Value;
}

/** The library knows an entry by a field of its own. */
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
