// Something that does not fit, and what to do about it. Made by `doctor.ts` and `examine-objects.ts`.

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
  /** What `repair` does, in the imperative. */
  remedy: string;
  /** Does it. Doing it again changes nothing. */
  repair: () => Promise<void>;
}
