// Runs the commands that the service and its driver send, each in one transaction of `store.ts`, and refuses others.
import type { Document } from "bson";

import { collectionCommands } from "./collection-commands.ts";
import type { CommandTable } from "./command.ts";
import { Cursors } from "./cursors.ts";
import { Deadline } from "./deadline.ts";
import { MongoError } from "./errors.ts";
import { checkFields, readCount, readString } from "./options.ts";
import { readCommands } from "./read-commands.ts";
import type { Store } from "./store.ts";
import { MAX_MESSAGE_BYTES } from "./wire.ts";
import { writeCommands } from "./write-commands.ts";

/** The version of the wire protocol in MongoDB 7.0. */
const WIRE_VERSION = 21;
const MAX_BSON_BYTES = 16 * 1024 * 1024;
const MAX_WRITES_PER_COMMAND = 100_000;

/** Fields with which a driver describes itself when it connects. The answer does not depend on them. */
const helloFields = [
  "helloOk",
  "client",
  "compression",
  "topologyVersion",
  "maxAwaitTimeMS",
  "backpressure",
  "loadBalanced",
];

/** Runs commands on one store. */
export class Commands {
  readonly #table: CommandTable;
  readonly #deadline = new Deadline();

  constructor(readonly store: Store) {
    const cursors = new Cursors();
    this.#table = {
      hello: { fields: helloFields, run: hello },
      // Old names of `hello`, which drivers still send first on a connection.
      isMaster: { fields: helloFields, run: hello },
      ismaster: { fields: helloFields, run: hello },
      ping: { fields: [], run: () => ({}) },
      endSessions: { fields: [], run: () => ({}) },
      // Not a command of MongoDB: copies the whole database into a new file.
      copyTo: {
        fields: [],
        isStandalone: true,
        run: (command) => {
          store.copyTo(readString(command, "copyTo"));
          return {};
        },
      },
      ...collectionCommands(store, cursors),
      ...readCommands(store, cursors, this.#deadline),
      ...writeCommands(store),
    };
  }

  /** Runs a command. Never throws: the answer to a failed command has `ok: 0`. */
  run(command: Document): Document {
    try {
      const name = Object.keys(command)[0] ?? "";
      const known = Object.hasOwn(this.#table, name) && this.#table[name];
      if (!known) throw new MongoError("CommandNotFound", `no such command: '${name}'`);
      checkFields(command, name, known.fields);
      this.#deadline.start(readCount(command, "maxTimeMS", 0));
      const run = () => {
        const done = known.run(command, readString(command, "$db"));
        this.#deadline.check(); // Rolls back a command that exceeded its time limit.
        return done;
      };
      return { ...(known.isStandalone ? run() : this.store.transaction(run)), ok: 1 };
    } catch (error) {
      return { ok: 0, ...toMongoError(error).toDocument() };
    }
  }
}

function hello(): Document {
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: MAX_BSON_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: MAX_WRITES_PER_COMMAND,
    localTime: new Date(),
    minWireVersion: 0,
    maxWireVersion: WIRE_VERSION,
    readOnly: false,
  };
}

function toMongoError(error: unknown): MongoError {
  if (error instanceof MongoError) return error;
  return new MongoError("InternalError", (error as Error).message, {}, { cause: error });
}
