// The SQLite file that holds every collection. Opens it, keeps the catalogue of collections and indexes in memory, and
// wraps each command in one durable transaction. `collection.ts` stores documents and index entries.
import { DatabaseSync } from "@photostructure/sqlite";
import { deserialize, serialize } from "bson";

import { Collection, type IndexSpec, type Prepare } from "./collection.ts";
import { MongoError } from "./errors.ts";
import { isDiskFailure, isLocked, isSqliteError, toMongoError } from "./sqlite-errors.ts";

/** The version of the file's layout. A file with a higher version is refused. */
const FORMAT_VERSION = 1;

/** Identifies our files in SQLite's header: "LAPP" in ASCII. */
const APPLICATION_ID = 0x4c415050;

type Database = InstanceType<typeof DatabaseSync>;

/** The database file. A process that opens it locks it, so that a second process gets an error. */
export class Store {
  readonly #db: Database;
  readonly #statements = new Map<string, ReturnType<Prepare>>();
  #collections = new Map<string, Collection>();

  /** @throws Error when another process holds the file, when a newer version has written it, or when it is damaged */
  constructor(file: string) {
    this.#db = open(file);
    try {
      this.#assertReadable(file);
      // The first write takes the exclusive lock and keeps it. WAL then does not need a shared-memory file.
      this.#db.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF",
      );
      this.transaction(() => this.#prepareFile());
    } catch (error) {
      this.#db.close();
      if (isLocked(error)) {
        throw new Error(`the database ${file} is locked by another process`, { cause: error });
      }
      if (isDiskFailure(error)) {
        throw new Error(`the disk is full or failing: ${file} cannot be written`, { cause: error });
      }
      throw explain(error, file);
    }
  }

  /**
   * Runs a command's work so that all of it is durable when this returns, or none of it happened.
   *
   * @throws OutOfDiskSpace when the disk is full; later commands succeed once there is space again
   */
  transaction<Result>(work: () => Result): Result {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack("ROLLBACK");
      throw toMongoError(error);
    }
  }

  /** Runs one step of a transaction. When it throws, only that step is undone. */
  step<Result>(work: () => Result): Result {
    this.#db.exec("SAVEPOINT step");
    try {
      const result = work();
      this.#db.exec("RELEASE step");
      return result;
    } catch (error) {
      this.#rollBack("ROLLBACK TO step; RELEASE step");
      throw toMongoError(error);
    }
  }

  findCollection(db: string, name: string): Collection | undefined {
    return this.#collections.get(namespace(db, name));
  }

  /** Returns the collection. If it does not exist, creates it with its index on `_id`. */
  getCollection(db: string, name: string): Collection {
    return this.findCollection(db, name) ?? this.createCollection(db, name);
  }

  listCollections(db: string): Collection[] {
    return [...this.#collections.values()].filter((collection) => collection.db === db);
  }

  /** @throws NamespaceExists, InvalidNamespace */
  createCollection(db: string, name: string): Collection {
    if (!name || name.includes("$") || name.includes("\0") || name.startsWith("system.")) {
      throw new MongoError("InvalidNamespace", `Invalid collection name: ${name}`);
    }
    if (this.findCollection(db, name)) {
      throw new MongoError("NamespaceExists", `Collection ${db}.${name} already exists.`);
    }
    const { lastInsertRowid } = this.#prepare("INSERT INTO collections (db, name) VALUES (?, ?)").run(
      db,
      name,
    );
    const id = Number(lastInsertRowid);
    this.#db.exec(`CREATE TABLE documents_${id} (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)`);
    const collection = new Collection(this.#prepare, id, db, name);
    this.#collections.set(namespace(db, name), collection);
    this.addIndex(collection, { name: "_id_", key: { _id: 1 }, unique: true });
    return collection;
  }

  /** Adds an index to the catalogue and fills it from the existing documents. @throws DuplicateKey */
  addIndex(collection: Collection, spec: IndexSpec): void {
    const { lastInsertRowid } = this.#prepare("INSERT INTO indexes (collection, spec) VALUES (?, ?)").run(
      collection.id,
      serialize(spec),
    );
    const id = Number(lastInsertRowid);
    this.#db.exec(
      `CREATE TABLE index_${id} (key BLOB PRIMARY KEY, document INTEGER NOT NULL) WITHOUT ROWID, STRICT`,
    );
    collection.attachIndex({ id, spec });
    collection.fillIndex(id);
  }

  /** Writes a copy of the database's current state into a file that must not exist yet. @throws OutOfDiskSpace */
  copyTo(file: string): void {
    try {
      this.#db.prepare("VACUUM INTO ?").run(file);
    } catch (error) {
      throw toMongoError(error);
    }
  }

  /** Closes the database so that only its main file remains, without a write-ahead log. */
  close(): void {
    // The library finalises statements only when they are garbage-collected. Until then SQLite would keep the
    // connection and its lock. Leaving WAL mode moves everything into the main file, and the read releases the lock.
    this.#db.exec(
      "PRAGMA journal_mode=DELETE; PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_schema",
    );
    this.#db.close();
  }

  /** Returns a prepared statement, which returns rows as arrays. The same SQL is prepared once. */
  readonly #prepare: Prepare = (sql) => {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true); // Objects take a third longer to create.
      this.#statements.set(sql, statement);
    }
    return statement;
  };

  #assertReadable(file: string): void {
    const { user_version: version } = this.#db.prepare("PRAGMA user_version").get();
    const { application_id: applicationId } = this.#db.prepare("PRAGMA application_id").get();
    const { tableCount } = this.#db.prepare("SELECT count(*) AS tableCount FROM sqlite_schema").get();
    if (applicationId !== APPLICATION_ID && tableCount > 0)
      throw new Error(`${file} is another program's database`);
    if (version <= FORMAT_VERSION) return;
    throw new Error(
      `the database ${file} has format ${version}; this version of the program reads up to format ${FORMAT_VERSION}`,
    );
  }

  #prepareFile(): void {
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS collections (
        id INTEGER PRIMARY KEY, db TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (db, name)
      ) STRICT;
      CREATE TABLE IF NOT EXISTS indexes (
        id INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collections, spec BLOB NOT NULL
      ) STRICT;
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMAT_VERSION};
    `);
    this.#loadCatalogue();
  }

  #loadCatalogue(): void {
    this.#collections = new Map();
    const byId = new Map<number, Collection>();
    for (const { id, db, name } of this.#db.prepare("SELECT id, db, name FROM collections").all()) {
      const collection = new Collection(this.#prepare, id, db, name);
      byId.set(id, collection);
      this.#collections.set(namespace(db, name), collection);
    }
    for (const { id, collection, spec } of this.#db.prepare("SELECT * FROM indexes ORDER BY id").all()) {
      byId.get(collection)?.attachIndex({ id, spec: deserialize(spec) as IndexSpec });
    }
  }

  /** Rolls back, unless SQLite has done so itself because the disk is full. Reloads the catalogue without the changes. */
  #rollBack(sql: string): void {
    if (this.#db.isTransaction) this.#db.exec(sql);
    this.#loadCatalogue();
  }
}

function namespace(db: string, name: string): string {
  return `${db}.${name}`;
}

function open(file: string): Database {
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw explain(error, file);
  }
}

/** Adds the file's name and advice to an error of SQLite. Returns any other error unchanged. */
function explain(error: unknown, file: string): unknown {
  if (!isSqliteError(error)) return error;
  const advice =
    "Check that this user can read and write it. If it is damaged, replace it with the last backup.";
  return new Error(`the database ${file} cannot be used: ${error.message}. ${advice}`, { cause: error });
}
