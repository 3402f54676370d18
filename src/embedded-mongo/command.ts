// What a command is: the fields that it knows, and what it does with them.
import type { Document } from "bson";

export interface Command {
  /** Every other field is refused. */
  fields: readonly string[];
  /** It runs by itself, not within a transaction. */
  isStandalone?: boolean;
  /** From the command and the name of its database to the answer. Throws MongoError. */
  run: (command: Document, db: string) => Document;
}

export type CommandTable = Record<string, Command>;
