// Opens the database, the embedded one or a MongoDB server, through the same driver.
import { existsSync } from "node:fs";
import path from "node:path";

import mongoose from "mongoose";

import { findRunningEmbeddedMongo, startEmbeddedMongo, type EmbeddedMongo } from "../embedded-mongo/start.ts";
import { makeFolder } from "../runtime/files.ts";
import { DatabaseClock } from "./clock.ts";
import "./driver-fix.ts";
import { querying } from "./errors.ts";
import { prepareIndexes } from "./indexes.ts";
import { Lease } from "./lease.ts";
import { MediaRepository } from "./media-repository.ts";
import { MediaUpkeep } from "./media-upkeep.ts";
import { UserRepository } from "./user-repository.ts";
import { ViewCountRepository } from "./view-count-repository.ts";

/** The name of LetsApp's database, used if the URI does not name one. */
const DEFAULT_DATABASE = "letsapp";

/** Driver options for a replica set, with time limits for waiting users. MONGODB_URI can override each by its name. */
const connectionDefaults = {
  /** Acknowledged writes are kept when another server becomes primary. */
  w: "majority",
  /** How long an operation waits for a server that can run it, for instance during a fail-over. */
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 5_000,
  /**
   * Time limit of a whole operation, with all its waits and retries. Without it, an operation would never end if its
   * connection closes after the driver has written the command and before it waits for the answer.
   */
  timeoutMS: 8_000,
  /** Number of operations that run at once; further operations wait for a connection. */
  maxPoolSize: 100,
  appName: "letsapp",
};

export type DatabaseLocation = { kind: "embedded"; file: string } | { kind: "mongodb"; uri: string };

/** Starts the embedded database, by default in a worker thread. Tests can pass a starter without one. */
export type EmbeddedMongoStarter = (
  file: string,
  onFailure: (error: Error) => void,
) => Promise<EmbeddedMongo>;

/** An open database, with the repositories that read and write it. */
export class Database {
  readonly clock: DatabaseClock;
  readonly users: UserRepository;
  readonly media: MediaRepository;
  readonly upkeep: MediaUpkeep;
  readonly viewCounts: ViewCountRepository;
  readonly cleanupLease: Lease;

  private constructor(
    readonly connection: mongoose.Connection,
    readonly embedded: EmbeddedMongo | null,
  ) {
    this.clock = new DatabaseClock(connection);
    this.users = new UserRepository(connection);
    this.media = new MediaRepository(connection, this.users, this.clock);
    this.upkeep = new MediaUpkeep(connection, this.clock);
    this.viewCounts = new ViewCountRepository(connection);
    this.cleanupLease = new Lease(connection, this.clock, "cleanup");
  }

  /**
   * Connects, and creates the missing indexes of collections that are not too large for that.
   *
   * @throws Error with a one-line message when the database cannot be opened, or a large collection lacks an index
   */
  static async open(
    location: DatabaseLocation,
    onFailure: (error: Error) => void,
    startEmbedded: EmbeddedMongoStarter = startEmbeddedMongo,
  ): Promise<Database> {
    let embedded: EmbeddedMongo | null = null;
    if (location.kind === "embedded") {
      await makeFolder(path.dirname(location.file));
      embedded = await startEmbedded(location.file, onFailure);
    }
    const uri = location.kind === "embedded" ? embedded!.uri : location.uri;
    const database = new Database(createConnection(uri), embedded);
    try {
      await database.connection.asPromise();
      await database.clock.read();
      await prepareIndexes(database.connection, location.kind === "mongodb");
      return database;
    } catch (error) {
      await database.close();
      throw location.kind === "embedded" ? error : namingVariable(error);
    }
  }

  /**
   * Connects while the service may be running. Only one process can open the file of the embedded database. If there
   * is such a process, this method connects to it.
   *
   * @throws Error as `open` does, and when there is no database yet
   */
  static async openBeside(location: DatabaseLocation): Promise<Database> {
    if (location.kind === "mongodb") return Database.#connect(location.uri);
    if (!existsSync(location.file)) {
      throw new Error(`there is no database at ${location.file}; check INSTANCE_DIR`);
    }
    const runningUri = findRunningEmbeddedMongo(location.file);
    if (runningUri) {
      try {
        return await Database.#connect(runningUri);
      } catch {
        // No database answers at this URI: the process that wrote it has ended. `open` fails if the file is locked.
      }
    }
    return Database.open(location, (error) => {
      throw error;
    });
  }

  static async #connect(uri: string): Promise<Database> {
    const database = new Database(createConnection(uri), null);
    try {
      await database.connection.asPromise();
      await database.clock.read();
      return database;
    } catch (error) {
      await database.close();
      throw namingVariable(error);
    }
  }

  /** @throws DATABASE_UNAVAILABLE unless the database answers */
  async ping(): Promise<void> {
    await querying(() => this.connection.db!.command({ ping: 1 }));
  }

  /** Writes a copy of the embedded database to a new file. @throws Error when the database is not the embedded one */
  async copyEmbeddedTo(file: string): Promise<void> {
    await makeFolder(path.dirname(file));
    // No time limit: the copy of a large database takes long.
    await querying(() => this.connection.db!.command({ copyTo: file }, { timeoutMS: 0 }));
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.embedded?.close();
  }
}

/** @throws Error whose message names the variable MONGODB_URI, but not its value */
function createConnection(uri: string): mongoose.Connection {
  const isGiven = (name: string) => new RegExp(`[?&]${name}=`, "i").test(uri);
  const defaults = Object.entries(connectionDefaults).filter(([name]) => !isGiven(name));
  try {
    return mongoose.createConnection(uri, {
      ...Object.fromEntries(defaults),
      dbName: databaseName(uri),
      autoIndex: false,
      bufferCommands: false,
    });
  } catch (error) {
    throw namingVariable(error);
  }
}

function namingVariable(error: unknown): Error {
  return new Error(`MONGODB_URI: ${(error as Error).message}`, { cause: error });
}

function databaseName(uri: string): string {
  const [, name] = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri) ?? [];
  return name ? decodeURIComponent(name) : DEFAULT_DATABASE;
}
