// The documents of one collection and their index entries, which always change together. Callers have opened a
// transaction of `store.ts`.
import type { DatabaseSync } from "@photostructure/sqlite";
import { deserialize, serialize, type Document } from "bson";

import { MongoError } from "./errors.ts";
import { encodeKey, invert } from "./key-encoding.ts";

/** An index specification as `createIndexes` received it and `listIndexes` returns it. */
export interface IndexSpec extends Document {
  name: string;
  key: Record<string, 1 | -1>;
  unique?: boolean;
  sparse?: boolean;
}

export interface Index {
  id: number;
  spec: IndexSpec;
}

/** A stored document, encoded and decoded, and its row id in SQLite. */
export class StoredDocument {
  readonly bytes: Buffer;
  #document: Document | undefined;

  constructor(
    readonly rowId: number,
    body: Uint8Array,
  ) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  /** Decoded at the first use. Must not be changed. */
  get document(): Document {
    return (this.#document ??= deserialize(this.bytes));
  }
}

/** Returns a prepared statement of the store, which returns rows as arrays. The same SQL is prepared once. */
export type Prepare = (sql: string) => ReturnType<InstanceType<typeof DatabaseSync>["prepare"]>;

/** MongoDB's limit for one document. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;

export class Collection {
  readonly indexes: Index[] = [];

  constructor(
    readonly prepare: Prepare,
    readonly id: number,
    readonly db: string,
    readonly name: string,
  ) {}

  get namespace(): string {
    return `${this.db}.${this.name}`;
  }

  attachIndex(index: Index): void {
    this.indexes.push(index);
  }

  /** Adds the existing documents to a new index. @throws DuplicateKey */
  fillIndex(indexId: number): void {
    const index = this.indexes.find(({ id }) => id === indexId)!;
    for (const { rowId, document } of this.readAll()) this.#addEntry(index, rowId, document);
  }

  /** Yields every document in insertion order. Reads a page at a time, so that no statement stays open. */
  *readAll(): Generator<StoredDocument> {
    const pageSize = 256;
    const sql = `SELECT id, body FROM documents_${this.id} WHERE id > ? ORDER BY id LIMIT ${pageSize}`;
    for (let last = 0; ;) {
      const rows = this.prepare(sql).all(last) as [number, Uint8Array][];
      for (const [id, body] of rows) yield new StoredDocument(id, body);
      if (rows.length < pageSize) return;
      [last] = rows.at(-1)!;
    }
  }

  /** Yields the documents whose keys in one index lie in [start, end), in ascending or descending key order. */
  *readRange(index: Index, start: Buffer, end: Buffer, isReverse: boolean): Generator<StoredDocument> {
    const pageSize = 64;
    const nextPageCondition = isReverse
      ? "entry.key >= ? AND entry.key < ?"
      : "entry.key > ? AND entry.key < ?";
    const sql = (condition: string) =>
      `SELECT stored.id, stored.body, entry.key FROM index_${index.id} entry
       JOIN documents_${this.id} stored ON stored.id = entry.document
       WHERE ${condition} ORDER BY entry.key ${isReverse ? "DESC" : "ASC"} LIMIT ${pageSize}`;
    let [low, high] = [start, end];
    for (let condition = "entry.key >= ? AND entry.key < ?"; ; condition = nextPageCondition) {
      const rows = this.prepare(sql(condition)).all(low, high) as [number, Uint8Array, Uint8Array][];
      for (const [id, body] of rows) yield new StoredDocument(id, body);
      if (rows.length < pageSize) return;
      const last = Buffer.from(rows.at(-1)![2]);
      if (isReverse) high = last;
      else low = last;
    }
  }

  /** Yields the documents with these keys, which are sorted, in a unique index. */
  *readKeys(index: Index, keys: Buffer[], isReverse: boolean): Generator<StoredDocument> {
    const pageSize = 128;
    const sql = `SELECT stored.id, stored.body FROM index_${index.id} entry
      JOIN documents_${this.id} stored ON stored.id = entry.document
      WHERE entry.key IN (SELECT unhex(value) FROM json_each(?)) ORDER BY entry.key ${isReverse ? "DESC" : "ASC"}`;
    for (let start = 0; start < keys.length; start += pageSize) {
      const wanted = keys.slice(start, start + pageSize).map((key) => key.toString("hex"));
      const rows = this.prepare(sql).all(JSON.stringify(wanted)) as [number, Uint8Array][];
      for (const [id, body] of rows) yield new StoredDocument(id, body);
    }
  }

  /** Adds a document with its index entries. @throws DuplicateKey, BSONObjectTooLarge */
  insert(document: Document): void {
    const sql = `INSERT INTO documents_${this.id} (body) VALUES (?)`;
    const { lastInsertRowid } = this.prepare(sql).run(toBytes(document));
    for (const index of this.indexes) this.#addEntry(index, Number(lastInsertRowid), document);
  }

  /** Replaces the stored document. Returns false when it is the same already. @throws DuplicateKey, BSONObjectTooLarge */
  replace({ rowId, bytes, document: before }: StoredDocument, document: Document): boolean {
    const replacement = toBytes(document);
    if (bytes.equals(replacement)) return false;
    this.prepare(`UPDATE documents_${this.id} SET body = ? WHERE id = ?`).run(replacement, rowId);
    for (const index of this.indexes) {
      const isSame = (path: string) => valueAt(before, path) === valueAt(document, path);
      if (Object.keys(index.spec.key).every(isSame)) continue;
      const [oldKey, newKey] = [entryKey(index, before, rowId), entryKey(index, document, rowId)];
      if (oldKey && newKey?.equals(oldKey)) continue;
      this.#removeEntry(index, oldKey);
      this.#addEntry(index, rowId, document);
    }
    return true;
  }

  remove({ rowId, document }: StoredDocument): void {
    for (const index of this.indexes) this.#removeEntry(index, entryKey(index, document, rowId));
    this.prepare(`DELETE FROM documents_${this.id} WHERE id = ?`).run(rowId);
  }

  #addEntry(index: Index, rowId: number, document: Document): void {
    const key = entryKey(index, document, rowId);
    if (!key) return;
    try {
      this.prepare(`INSERT INTO index_${index.id} (key, document) VALUES (?, ?)`).run(key, rowId);
    } catch (error) {
      if ((error as { sqliteCode?: number }).sqliteCode !== SQLITE_CONSTRAINT_PRIMARYKEY) throw error;
      throw this.#duplicateKey(index, document, error);
    }
  }

  #removeEntry(index: Index, key: Buffer | undefined): void {
    if (key) this.prepare(`DELETE FROM index_${index.id} WHERE key = ?`).run(key);
  }

  #duplicateKey({ spec }: Index, document: Document, cause: unknown): MongoError {
    const keyValue = Object.fromEntries(
      Object.keys(spec.key).map((path) => [path, valueAt(document, path) ?? null]),
    );
    const shown = Object.entries(keyValue).map(([path, value]) => `${path}: ${JSON.stringify(value)}`);
    return new MongoError(
      "DuplicateKey",
      `E11000 duplicate key error collection: ${this.namespace} index: ${spec.name} dup key: { ${shown.join(", ")} }`,
      { keyPattern: spec.key, keyValue },
      { cause },
    );
  }
}

/**
 * The key of a document in an index, or undefined when a sparse index leaves the document out.
 *
 * Keys of a non-unique index end with the row id, so that every key occurs once in the table.
 */
function entryKey({ spec }: Index, document: Document, rowId: number): Buffer | undefined {
  const paths = Object.entries(spec.key);
  if (spec.sparse && paths.every(([path]) => valueAt(document, path) === undefined)) return undefined;
  const parts = paths.map(([path, direction]) => {
    const key = encodeKey(valueAt(document, path));
    return direction === 1 ? key : invert(key);
  });
  if (!spec.unique) {
    const tail = Buffer.alloc(8);
    tail.writeBigUInt64BE(BigInt(rowId));
    parts.push(tail);
  }
  return Buffer.concat(parts);
}

/** The value at a dotted path, or undefined. For a path that leads through an array, returns the array. */
export function valueAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split(".")) {
    if (Array.isArray(value)) return value;
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
    value = (value as Document)[name];
  }
  return value;
}

function toBytes(document: Document): Uint8Array {
  const bytes = serialize(document);
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
    throw new MongoError("BSONObjectTooLarge", `Document is larger than ${MAX_DOCUMENT_BYTES} bytes`);
  }
  return bytes;
}
