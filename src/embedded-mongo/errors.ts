// The errors of the embedded database, with MongoDB's codes, so that drivers and callers see no difference.
import type { Document } from "bson";

/** MongoDB's numbers for the errors that can happen here. Source: mongo/src/mongo/base/error_codes.yml. */
const codes = {
  InternalError: 1,
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  InvalidNamespace: 73,
  NamespaceNotFound: 26,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  MaxTimeMSExpired: 50,
  CommandNotFound: 59,
  ImmutableField: 66,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  CannotCreateIndex: 67,
  UnsatisfiableWriteConcern: 100,
  InvalidPipelineOperator: 168,
  NotImplemented: 238,
  QueryExceededMemoryLimit: 292,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  OutOfDiskSpace: 14031,
  UnrecognizedPipelineStage: 40324,
  IDLFailedToParse: 40414,
  IDLUnknownField: 40415,
} as const;

export type MongoErrorName = keyof typeof codes;

/** An error as MongoDB reports it: code, code name and message. For a duplicate key, `details` has the key. */
export class MongoError extends Error {
  readonly code: number;

  constructor(
    readonly codeName: MongoErrorName,
    message: string,
    readonly details: Document = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = codes[codeName];
  }

  /** The error as an entry of `writeErrors`, or, with `ok: 0`, as a whole answer. */
  toDocument(): Document {
    return { code: this.code, codeName: this.codeName, errmsg: this.message, ...this.details };
  }
}

/** The error for a feature of MongoDB that this database does not have. The database never ignores a request. */
export function notImplemented(what: string): MongoError {
  return new MongoError("NotImplemented", `${what} is not supported by the embedded database`);
}
