// The type of a command table: for each command its fields, and the function that runs it.
import type { Document } from "bson";

export interface Command {
  /** Fields that the command accepts, in addition to its name and `genericFields`. Any other field is an error. */
  fields: readonly string[];
  /** True for a command that runs outside of a transaction. */
  isStandalone?: boolean;
  /** Runs the command on the database `db` and returns the answer. @throws MongoError */
  run: (command: Document, db: string) => Document;
}

export type CommandTable = Record<string, Command>;
