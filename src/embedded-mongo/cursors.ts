// The results that a driver has not fetched yet. A cursor of a `find` is a suspended generator: it holds a position and
// not a copy of the results. Aggregations and sorts in memory hold all their results.
import { Long, serialize, type Document } from "bson";

import { CursorBatch } from "./cursor-batch.ts";
import { MongoError } from "./errors.ts";

/** MongoDB closes an unused cursor after ten minutes. */
const IDLE_TIMEOUT_MS = 10 * 60 * 1000;

/** MongoDB's default for the first batch, in documents. Later batches are limited only by their bytes. */
const FIRST_BATCH_COUNT = 101;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** A document of the results. Bytes are an encoded document. */
export type Result = Document | Uint8Array;

interface Cursor {
  namespace: string;
  results: Iterator<Result>;
  /** A document that was read but did not fit into the last batch. */
  held: Uint8Array | undefined;
  lastUsedMs: number;
}

export class Cursors {
  readonly #open = new Map<string, Cursor>();
  #lastId = 0;

  /** Returns the first batch of the results, and opens a cursor when there are more. */
  start(
    namespace: string,
    results: Iterator<Result>,
    options: { batchSize?: number; isSingle?: boolean },
  ): Document {
    this.#forgetIdle();
    const cursor: Cursor = { namespace, results, held: undefined, lastUsedMs: Date.now() };
    const { batch, isDone } = takeBatch(cursor, options.batchSize ?? FIRST_BATCH_COUNT);
    if (isDone || options.isSingle) {
      return { cursor: new CursorBatch("firstBatch", batch, Long.ZERO, namespace) };
    }
    this.#lastId += 1;
    this.#open.set(String(this.#lastId), cursor);
    return { cursor: new CursorBatch("firstBatch", batch, Long.fromNumber(this.#lastId), namespace) };
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
    const nextId = isDone ? Long.ZERO : Long.fromString(id);
    return { cursor: new CursorBatch("nextBatch", batch, nextId, namespace) };
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
function takeBatch(cursor: Cursor, maxCount: number): { batch: Uint8Array[]; isDone: boolean } {
  const batch: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const document = cursor.held ?? readNext(cursor.results);
    cursor.held = undefined;
    if (!document) return { batch, isDone: true };
    bytes += document.length;
    if (batch.length >= maxCount || (batch.length > 0 && bytes > MAX_BATCH_BYTES)) {
      cursor.held = document;
      return { batch, isDone: false };
    }
    batch.push(document);
  }
}

function readNext(results: Iterator<Result>): Uint8Array | undefined {
  const { done, value } = results.next() as { done?: boolean; value: Result };
  if (done) return undefined;
  return value instanceof Uint8Array ? value : serialize(value);
}
