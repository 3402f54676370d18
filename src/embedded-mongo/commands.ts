// The commands that the service and its driver send, and no other: from a command's document to its answer.
// Called by `server.ts` for each message; each command does its work in one transaction of `store.ts`.
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

/** MongoDB 7.0's number for what its drivers may send. */
const WIRE_VERSION = 21;
const MAX_BSON_BYTES = 16 * 1024 * 1024;
const MAX_WRITES_PER_COMMAND = 100_000;

/** What a driver says of itself when it connects; nothing of it changes the answer. */
const helloFields = [
  "helloOk",
  "client",
  "compression",
  "topologyVersion",
  "maxAwaitTimeMS",
  "backpressure",
  "loadBalanced",
];

/** Answers commands from one store. */
export class Commands {
  readonly #table: CommandTable;
  readonly #deadline = new Deadline();

  constructor(readonly store: Store) {
    const cursors = new Cursors();
    this.#table = {
      hello: { fields: helloFields, run: hello },
      // Old spellings with which drivers open a connection.
      isMaster: { fields: helloFields, run: hello },
      ismaster: { fields: helloFields, run: hello },
      ping: { fields: [], run: () => ({}) },
      endSessions: { fields: [], run: () => ({}) },
      // Ours alone: copies the whole database into a new file.
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

  /** Never throws: a failed command is an answer with `ok: 0`. */
  run(command: Document): Document {
    try {
      const name = Object.keys(command)[0] ?? "";
      const known = Object.hasOwn(this.#table, name) && this.#table[name];
      if (!known) throw new MongoError("CommandNotFound", `no such command: '${name}'`);
      checkFields(command, name, known.fields);
      this.#deadline.start(readCount(command, "maxTimeMS", 0));
      const run = () => {
        const done = known.run(command, readString(command, "$db"));
        this.#deadline.check(); // What is late is undone.
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
