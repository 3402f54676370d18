// Records what the service has acknowledged, and derives which state is correct after each kill.

/** A change of a user's picture: to a media, or to none. */
interface Change {
  startedAt: number;
  /** Null while the effect is unknown: the request is under way, or was when the process was killed. */
  acknowledgedAt: number | null;
  /** Null after a deletion; undefined for an upload without a response. */
  mediaId: string | null | undefined;
}

/** A logical clock that orders the events in this process. */
let clock = 0;
const tick = () => ++clock;

/** The pictures of one user. */
export class PictureLedger {
  #changes: Change[] = [{ startedAt: tick(), acknowledgedAt: tick(), mediaId: null }];
  /** Ids of pictures that are replaced or deleted for certain. The service must not show them. */
  readonly gone = new Set<string>();

  begin(mediaId?: string | null): Change {
    if (mediaId) this.gone.delete(mediaId); // The picture is being restored.
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

  /** Removes a change that the service refused, and that had no effect. */
  refuse(change: Change): void {
    this.#changes = this.#changes.filter((other) => other !== change);
  }

  /** True when `mediaId` may be the current picture: no acknowledged change began after the change to it had ended. */
  mayShow(mediaId: string | null): boolean {
    const last = this.#changes.filter(
      ({ acknowledgedAt }) =>
        acknowledgedAt === null ||
        !this.#changes.some((other) => other.acknowledgedAt !== null && other.startedAt > acknowledgedAt),
    );
    const isNew = mediaId !== null && !this.gone.has(mediaId);
    return last.some((change) => change.mediaId === mediaId || (change.mediaId === undefined && isNew));
  }

  /** Takes the picture that is shown while no change is under way as the acknowledged one. All others are gone. */
  settle(mediaId: string | null): void {
    for (const { mediaId: earlier } of this.#changes)
      if (earlier && earlier !== mediaId) this.gone.add(earlier);
    if (mediaId) this.gone.delete(mediaId);
    this.#changes = [{ startedAt: tick(), acknowledgedAt: tick(), mediaId }];
  }
}

/** The views of one picture. */
export class ViewLedger {
  /** Number of views requested. The service cannot have counted more. */
  started = 0;
  /** Number of views answered to the last byte. The service must not have counted fewer. */
  completed = 0;
  /** The highest count that the service has shown. */
  shown = 0;
}
