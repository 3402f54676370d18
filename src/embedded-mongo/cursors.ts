// The results that a driver has not fetched yet. A cursor of a `find` is a suspended generator: it holds a position and
// not a copy of the results. Aggregations and sorts in memory hold all their results.
import { calculateObjectSize, Long, type Document } from "bson";

import { MongoError } from "./errors.ts";

/** MongoDB closes an unused cursor after ten minutes. */
const IDLE_TIMEOUT_MS = 10 * 60 * 1000;

/** MongoDB's default for the first batch, in documents. Later batches are limited only by their bytes. */
const FIRST_BATCH_COUNT = 101;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

interface Cursor {
  namespace: string;
  results: Iterator<Document>;
  /** A document that was read but did not fit into the last batch. */
  held: Document | undefined;
  lastUsedMs: number;
}

export class Cursors {
  readonly #open = new Map<string, Cursor>();
  #lastId = 0;

  /** Returns the first batch of the results, and opens a cursor when there are more. */
  start(
    namespace: string,
    results: Iterator<Document>,
    options: { batchSize?: number; isSingle?: boolean },
  ): Document {
    this.#forgetIdle();
    const cursor: Cursor = { namespace, results, held: undefined, lastUsedMs: Date.now() };
    const { batch, isDone } = takeBatch(cursor, options.batchSize ?? FIRST_BATCH_COUNT);
    if (isDone || options.isSingle) return { cursor: { firstBatch: batch, id: Long.ZERO, ns: namespace } };
    this.#lastId += 1;
    this.#open.set(String(this.#lastId), cursor);
    return { cursor: { firstBatch: batch, id: Long.fromNumber(this.#lastId), ns: namespace } };
  }

  /** @throws CursorNotFound */
  next(id: string, namespace: string, batchSize: number): Document {
    const cursor = this.#open.get(id);
    if (!cursor || cursor.namespace !== namespace) {
      throw new MongoError("CursorNotFound", `cursor id ${id} not found`);
    }
    // A cursor that throws stays closed: documents that it has read already would be missing from its results.
    this.#open.delete(id);
    const { batch, isDone } = takeBatch(cursor, batchSize || Infinity);
    cursor.lastUsedMs = Date.now();
    if (!isDone) this.#open.set(id, cursor);
    return { cursor: { nextBatch: batch, id: isDone ? Long.ZERO : Long.fromString(id), ns: namespace } };
  }

  /** Closes a cursor. Returns false when it does not exist. */
  kill(id: string): boolean {
    return this.#open.delete(id);
  }

  #forgetIdle(): void {
    for (const [id, { lastUsedMs }] of this.#open) {
      if (lastUsedMs + IDLE_TIMEOUT_MS < Date.now()) this.#open.delete(id);
    }
  }
}

/** Reads one document more than it returns, to know whether there are more. Keeps that one in `held`. */
function takeBatch(cursor: Cursor, maxCount: number): { batch: Document[]; isDone: boolean } {
  const batch: Document[] = [];
  let bytes = 0;
  for (;;) {
    const document = cursor.held ?? readNext(cursor.results);
    cursor.held = undefined;
    if (!document) return { batch, isDone: true };
    bytes += calculateObjectSize(document);
    if (batch.length >= maxCount || (batch.length > 0 && bytes > MAX_BATCH_BYTES)) {
      cursor.held = document;
      return { batch, isDone: false };
    }
    batch.push(document);
  }
}

function readNext(results: Iterator<Document>): Document | undefined {
  const { done, value } = results.next() as { done?: boolean; value?: Document };
  return done ? undefined : value;
}
