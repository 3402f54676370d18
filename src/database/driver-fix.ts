// Closes a connection to the database on which a command has failed while its answer was still to come. Imported by
// `connection.ts` for its effect.
//
// The driver (7.2 to 7.9) throws when the time of a command is over right after it was sent, as after a pause of the
// process, and gives the connection back to its pool. The next command on it would read the answer to the one before.
import { createRequire } from "node:module";

interface Connection {
  closed: boolean;
  onError(error: unknown): void;
  sendWire(...args: unknown[]): AsyncGenerator<unknown>;
}

const require = createRequire(import.meta.url);
const { Connection } = require("mongodb/lib/cmap/connection.js") as {
  Connection: { prototype: Connection };
};
const { sendWire } = Connection.prototype;

Connection.prototype.sendWire = async function* (this: Connection, ...args) {
  try {
    yield* sendWire.apply(this, args);
  } catch (error) {
    if (!this.closed) this.onError(error);
    throw error;
  }
};
