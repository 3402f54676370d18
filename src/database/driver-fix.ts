// Patches the driver: closes a database connection on which a command failed before its answer arrived.
//
// When the time limit of a command expires right after it was sent, as after a pause of the process, the driver (7.2
// to 7.9) throws and returns the connection to its pool. The next command would read the answer to the previous one.
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
