// What the service has acknowledged, and so what has to be true of it after each kill. Used by `load.ts`, which writes
// it, and `chaos.ts`, which holds the service to it.

/** A change of somebody's picture: to a media, or to none. */
interface Change {
  startedAt: number;
  /** Null while nobody knows whether it took effect: it was under way when the process was killed, or still is. */
  acknowledgedAt: number | null;
  /** Null after a deletion; undefined for an upload of which no answer came. */
  mediaId: string | null | undefined;
}

/** Orders what happens in this process. */
let clock = 0;
const tick = () => ++clock;

/** The pictures of one user. */
export class PictureLedger {
  #changes: Change[] = [{ startedAt: tick(), acknowledgedAt: tick(), mediaId: null }];
  /** Replaced or deleted for sure: nobody may see them any more. */
  readonly gone = new Set<string>();

  begin(mediaId?: string | null): Change {
    if (mediaId) this.gone.delete(mediaId); // It is being restored.
    const change: Change = { startedAt: tick(), acknowledgedAt: null, mediaId };
    this.#changes.push(change);
    return change;
  }

  acknowledge(change: Change, mediaId: string | null): void {
    change.mediaId = mediaId;
    change.acknowledgedAt = tick();
    for (const earlier of this.#changes) {
      const isBefore = earlier.acknowledgedAt !== null && earlier.acknowledgedAt < change.startedAt;
      if (isBefore && earlier.mediaId && earlier.mediaId !== mediaId) this.gone.add(earlier.mediaId);
    }
  }

  /** It has been refused, and has changed nothing. */
  refuse(change: Change): void {
    this.#changes = this.#changes.filter((other) => other !== change);
  }

  /** Whether the picture that is shown now is one that may be: no change that was acknowledged came later. */
  mayShow(mediaId: string | null): boolean {
    const last = this.#changes.filter(
      ({ acknowledgedAt }) =>
        acknowledgedAt === null ||
        !this.#changes.some((other) => other.acknowledgedAt !== null && other.startedAt > acknowledgedAt),
    );
    const isNew = mediaId !== null && !this.gone.has(mediaId);
    return last.some((change) => change.mediaId === mediaId || (change.mediaId === undefined && isNew));
  }

  /** What is shown while nothing is under way is what was acknowledged last. */
  settle(mediaId: string | null): void {
    for (const { mediaId: earlier } of this.#changes)
      if (earlier && earlier !== mediaId) this.gone.add(earlier);
    if (mediaId) this.gone.delete(mediaId);
    this.#changes = [{ startedAt: tick(), acknowledgedAt: tick(), mediaId }];
  }
}

/** The views of one picture. */
export class ViewLedger {
  /** Asked for; more than these cannot have been counted. */
  started = 0;
  /** Answered to the last byte; fewer than these must not have been counted. */
  completed = 0;
  /** The highest count that was ever shown. */
  shown = 0;
}
