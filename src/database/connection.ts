// Opens the database, embedded or real, through the same driver. Called by `parts.ts` and `cli/program.ts`.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import mongoose from "mongoose";

import { findRunningEmbeddedMongo, startEmbeddedMongo, type EmbeddedMongo } from "../embedded-mongo/start.ts";
import { DatabaseClock } from "./clock.ts";
import "./driver-fix.ts";
import { querying } from "./errors.ts";
import { prepareIndexes } from "./indexes.ts";
import { Lease } from "./lease.ts";
import { MediaRepository } from "./media-repository.ts";
import { MediaUpkeep } from "./media-upkeep.ts";
import { UserRepository } from "./user-repository.ts";
import { ViewCountRepository } from "./view-count-repository.ts";

/** LetsApp's database, unless the URI names another one. */
const DEFAULT_DATABASE = "letsapp";

/** What a replica set wants, and people who wait for it. MONGODB_URI may say otherwise, by the same names. */
const connectionDefaults = {
  /** What was acknowledged is still there when another server becomes primary. */
  w: "majority",
  /** Long enough for a fail-over to be noticed, short enough for a person to wait. */
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 5_000,
  /**
   * No operation takes longer, whatever it waits for. The driver has no other bound for all of it: an operation
   * whose connection ends between its write and its read would wait for ever.
   */
  timeoutMS: 8_000,
  /** Operations that are under way at once; others wait for one of them. */
  maxPoolSize: 100,
  appName: "letsapp",
};

export type DatabaseLocation = { kind: "embedded"; file: string } | { kind: "mongodb"; uri: string };

/** Starts the embedded database; a test may start it in its own thread instead. */
export type EmbeddedMongoStarter = (
  file: string,
  onFailure: (error: Error) => void,
) => Promise<EmbeddedMongo>;

/** An open database with everything that reads or writes it. */
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
   * Connects, and creates the indexes that are not there yet, unless that would take long.
   *
   * @throws Error with one clear sentence when the database cannot be opened, or lacks indexes
   */
  static async open(
    location: DatabaseLocation,
    onFailure: (error: Error) => void,
    startEmbedded: EmbeddedMongoStarter = startEmbeddedMongo,
  ): Promise<Database> {
    let embedded: EmbeddedMongo | null = null;
    if (location.kind === "embedded") {
      await mkdir(path.dirname(location.file), { recursive: true, mode: 0o700 });
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
   * Connects beside a service that may be running: the embedded database belongs to one process, which lets others in.
   *
   * @throws Error as `open` does, and where there is no database yet
   */
  static async openBeside(location: DatabaseLocation): Promise<Database> {
    if (location.kind === "mongodb") return Database.#connect(location.uri);
    if (!existsSync(location.file)) {
      throw new Error(`there is no database at ${location.file}; INSTANCE_DIR says where it is`);
    }
    const runningUri = findRunningEmbeddedMongo(location.file);
    if (runningUri) {
      try {
        return await Database.#connect(runningUri);
      } catch {
        // It was killed: the file is free.
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

  /** Writes a copy of the embedded database into a new file. @throws Error on any other one */
  async copyEmbeddedTo(file: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await querying(() => this.connection.db!.command({ copyTo: file }, { timeoutMS: 0 })); // However long it takes.
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.embedded?.close();
  }
}

/** @throws Error that names the variable, and not what is in it */
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
