// The type of a command table: for each command its fields, and the function that runs it.
import type { Document } from "bson";

export interface Command {
  /** Fields that the command accepts, beside those that every command may have. Any other field is refused. */
  fields: readonly string[];
  /** True for a command that runs outside of a transaction. */
  isStandalone?: boolean;
  /** Runs the command on the database `db` and returns the answer. @throws MongoError */
  run: (command: Document, db: string) => Document;
}

export type CommandTable = Record<string, Command>;
