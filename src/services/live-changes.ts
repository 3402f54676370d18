// Tells whoever listens whose picture has changed, in whatever process. Heard by `graphql/live.resolver.ts`.
import type { UserId } from "../domain/ids.ts";
import type { MediaChange } from "../domain/media.ts";
import { Tally } from "../runtime/tally.ts";
import { AppError } from "../errors.ts";

/** So many people wait for a listener that is slow; one that hears of some people alone never has more than those. */
const MAX_WAITING_COUNT = 10_000;

/**
 * Places of one subscriber in all subscriptions together. Each followed user takes one, and each subscription at least
 * 100: so 50 subscriptions may be told of one change. One to all users takes more, because changes of all users may wait
 * for a slow reader.
 */
const MAX_PLACES = 5_000;
const MIN_PLACES = 100;
const PLACES_OF_ALL = 500;

/** Each makes an answer and sends it. Then other work has its turn. */
const CHANGES_PER_TURN = 10;

/** A user shows another picture, or none any more. */
export interface LiveChange {
  userId: UserId;
  /** The same object for all that were found together: what it takes to show them can be looked up together. */
  look: object;
}

type Heard = IteratorResult<LiveChange | "too-slow", undefined>;

export class LiveChanges {
  readonly #byUser = new Map<UserId, Set<Listener>>();
  readonly #ofAll = new Set<Listener>();
  readonly #listeners = new Set<Listener>();
  readonly #placesBySubscriber = new Tally<UserId>();
  readonly #turns = new Turns();

  /** Notifies listeners of each user whose change is complete. */
  publish(changes: readonly MediaChange[]): void {
    const look = {};
    const userIds = new Set(changes.filter(({ isSettled }) => isSettled).map(({ uploaderId }) => uploaderId));
    for (const userId of userIds) this.#tell({ userId, look });
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * Changes from now on; "too-slow", and then nothing any more, when they come faster than they are taken.
   *
   * @param userIds whose; null for everybody's
   * @throws BAD_USER_INPUT when all subscriptions of the subscriber together follow too many
   */
  listen(
    subscriberId: UserId,
    userIds: ReadonlySet<UserId> | null,
  ): AsyncIterableIterator<LiveChange | "too-slow"> {
    const placeCount = Math.max(userIds?.size ?? PLACES_OF_ALL, MIN_PLACES);
    this.#takePlaces(subscriberId, placeCount);
    const places = userIds ? [...userIds].map((id) => this.#placeOf(id)) : [this.#ofAll];
    const listener = new Listener(this.#turns, () => {
      if (this.#listeners.delete(listener)) this.#takePlaces(subscriberId, -placeCount);
      for (const place of places) place.delete(listener);
      for (const id of userIds ?? []) if (this.#byUser.get(id)?.size === 0) this.#byUser.delete(id);
    });
    for (const place of [this.#listeners, ...places]) place.add(listener);
    return listener;
  }

  #takePlaces(subscriberId: UserId, count: number): void {
    const taken = this.#placesBySubscriber.get(subscriberId) + count;
    if (count > 0 && taken > MAX_PLACES) {
      throw new AppError(
        "BAD_USER_INPUT",
        `All your subscriptions together may follow up to ${MAX_PLACES} users; each counts as ${MIN_PLACES} or more.`,
        {
          limit: MAX_PLACES,
          actual: taken,
        },
      );
    }
    this.#placesBySubscriber.add(subscriberId, count);
  }

  #placeOf(userId: UserId): Set<Listener> {
    const place = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, place);
    return place;
  }

  #tell(change: LiveChange): void {
    for (const listener of this.#byUser.get(change.userId) ?? []) listener.hear(change);
    for (const listener of this.#ofAll) listener.hear(change);
  }
}

/** Those who wait go on a few at a time, in the order in which they came. */
class Turns {
  readonly #waiting: (() => void)[] = [];

  take(): Promise<void> {
    if (this.#waiting.length === 0) setImmediate(() => this.#give());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(): void {
    for (const goOn of this.#waiting.splice(0, CHANGES_PER_TURN)) goOn();
    if (this.#waiting.length > 0) setImmediate(() => this.#give());
  }
}

/** Of somebody whose picture has changed twice before it was told, the last change is told alone. */
class Listener implements AsyncIterableIterator<LiveChange | "too-slow"> {
  readonly #waiting = new Map<UserId, LiveChange>();
  #isTooSlow = false;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  constructor(
    readonly turns: Turns,
    readonly onEnd: () => void,
  ) {}

  hear(change: LiveChange): void {
    this.#isTooSlow ||= this.#waiting.size >= MAX_WAITING_COUNT && !this.#waiting.has(change.userId);
    if (!this.#isTooSlow) this.#waiting.set(change.userId, change);
    this.#wake?.();
  }

  async next(): Promise<Heard> {
    while (!this.#hasEnded) {
      if (this.#waiting.size > 0) await this.turns.take();
      const [change] = this.#hasEnded ? [] : this.#waiting.values();
      if (this.#isTooSlow) {
        await this.return();
        return { done: false, value: "too-slow" };
      }
      if (change) {
        this.#waiting.delete(change.userId);
        return { done: false, value: change };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: true, value: undefined };
  }

  /** Nobody listens any more. */
  async return(): Promise<Heard> {
    this.#hasEnded = true;
    this.onEnd();
    this.#wake?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
