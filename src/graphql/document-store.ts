// Keeps the most recently used operations parsed, so that an operation that is sent again is not parsed again.
import type { ApolloServerOptions, BaseContext } from "@apollo/server";
import type { DocumentNode } from "graphql";

import { Cache } from "../runtime/cache.ts";

const MAX_WEIGHT_BYTES = 32 * 1024 * 1024;

/** Measured: memory of a syntax tree, as a multiple of its JSON. */
const TREE_BYTES_PER_CHARACTER = 5;

type Store = NonNullable<ApolloServerOptions<BaseContext>["documentStore"]>;

/** An operation of an application is far smaller. Larger ones are parsed each time. */
const MAX_DOCUMENT_BYTES = 256 * 1024;

/** Bounds the text that the documents keep: a syntax tree refers to the client's whole text, with its comments. */
export class DocumentStore implements Store {
  readonly #documents = new Cache<string, DocumentNode>({ maxWeight: MAX_WEIGHT_BYTES, weightOf });

  get state(): { count: number; weight: number } {
    return this.#documents.state;
  }

  async get(key: string): Promise<DocumentNode | undefined> {
    return this.#documents.get(key);
  }

  async set(key: string, document: DocumentNode): Promise<void> {
    if (weightOf(document) <= MAX_DOCUMENT_BYTES) this.#documents.set(key, document);
  }

  async delete(key: string): Promise<boolean> {
    this.#documents.delete(key);
    return true;
  }
}

/** Estimates the memory of a document in bytes: its text, of two bytes per character, and its syntax tree. */
function weightOf(document: DocumentNode): number {
  return (
    2 * (document.loc?.source.body.length ?? 0) + TREE_BYTES_PER_CHARACTER * JSON.stringify(document).length
  );
}
