// Notifies subscriptions of the users whose profile picture any process has changed.
import type { UserId } from "../domain/ids.ts";
import type { MediaChange } from "../domain/media.ts";
import { Tally } from "../runtime/tally.ts";
import { AppError } from "../errors.ts";

/**
 * The longest backlog of a slow listener, in changes. Only a listener to all users can exceed it: a backlog has one
 * change per user, and other listeners follow fewer users.
 */
const MAX_WAITING_COUNT = 10_000;

/**
 * Places of one subscriber in all of its subscriptions together. Each followed user takes one place, and a
 * subscription takes at least `MIN_PLACES`, so that a change goes to at most 50 subscriptions. A subscription to all
 * users takes more, because changes of all users may wait for a slow reader.
 */
const MAX_PLACES = 5_000;
const MIN_PLACES = 100;
const PLACES_OF_ALL = 500;

/** Changes that all listeners together take in one event-loop turn. The server builds and sends a response for each. */
const CHANGES_PER_TURN = 10;

/** Says that a user's profile picture was replaced, restored or removed. */
export interface LiveChange {
  userId: UserId;
  /** The same object in all changes that were found together, so that their users can be read in one query. */
  poll: object;
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
    const poll = {};
    const userIds = new Set(changes.filter(({ isSettled }) => isSettled).map(({ uploaderId }) => uploaderId));
    for (const userId of userIds) this.#tell({ userId, poll });
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * Yields changes from now on. When the backlog exceeds `MAX_WAITING_COUNT`, yields "too-slow" and ends.
   *
   * @param userIds the users to follow; null for all users
   * @throws BAD_USER_INPUT when the subscriber's subscriptions together would follow too many users
   */
  listen(
    subscriberId: UserId,
    userIds: ReadonlySet<UserId> | null,
  ): AsyncIterableIterator<LiveChange | "too-slow"> {
    const placeCount = Math.max(userIds?.size ?? PLACES_OF_ALL, MIN_PLACES);
    this.#takePlaces(subscriberId, placeCount);
    const listenerSets = userIds ? [...userIds].map((id) => this.#listenersOf(id)) : [this.#ofAll];
    const listener = new Listener(this.#turns, () => {
      if (this.#listeners.delete(listener)) this.#takePlaces(subscriberId, -placeCount);
      for (const listeners of listenerSets) listeners.delete(listener);
      for (const id of userIds ?? []) if (this.#byUser.get(id)?.size === 0) this.#byUser.delete(id);
    });
    for (const listeners of [this.#listeners, ...listenerSets]) listeners.add(listener);
    return listener;
  }

  #takePlaces(subscriberId: UserId, count: number): void {
    const taken = this.#placesBySubscriber.get(subscriberId) + count;
    if (count > 0 && taken > MAX_PLACES) {
      throw new AppError(
        "BAD_USER_INPUT",
        `Your subscriptions may follow up to ${MAX_PLACES} users together. ` +
          `Each counts as at least ${MIN_PLACES} users, and one to all users as ${PLACES_OF_ALL}.`,
        {
          limit: MAX_PLACES,
          actual: taken,
        },
      );
    }
    this.#placesBySubscriber.add(subscriberId, count);
  }

  #listenersOf(userId: UserId): Set<Listener> {
    const listeners = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, listeners);
    return listeners;
  }

  #tell(change: LiveChange): void {
    for (const listener of this.#byUser.get(change.userId) ?? []) listener.hear(change);
    for (const listener of this.#ofAll) listener.hear(change);
  }
}

/** Resumes waiting listeners in the order in which they came, a few in each event-loop turn. */
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

/** The backlog of one listener, with only the last change of each user. */
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

  /** Ends the subscription: its client has left or was too slow. */
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
