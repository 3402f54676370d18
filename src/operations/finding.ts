// An inconsistency between records and objects, and its remedy.

export interface Finding {
  kind:
    | "pointer-to-nothing"
    | "pointer-to-hidden"
    | "pointer-to-foreign"
    | "missing-original"
    | "unreadable-original"
    | "missing-thumbnail"
    | "unreadable-thumbnail"
    | "shown-but-not-current"
    | "object-without-record";
  /** The id of the user or the media, or the key of the object. */
  subject: string;
  /** Describes `repair` to the operator, in the imperative. */
  remedy: string;
  /** Applies the remedy. A second call changes nothing. */
  repair: () => Promise<void>;
}
