// The one notifier: use cases publish what they changed, the change feed publishes changes of all processes, and
// `parts.ts` lists every subscriber in the order of notification.
import { EventEmitter } from "node:events";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { MediaChange } from "../domain/media.ts";

export interface ChangeEvents {
  /** This process is about to move a user's pointer away from the picture. */
  pictureLeaving: [id: MediaId];
  /** This process hid the picture. */
  pictureHidden: [id: MediaId];
  /** This process moved a user's pointer to another picture, or removed it. */
  userChanged: [id: UserId];
  /** This process added a user. */
  userAdded: [id: UserId];
  /** The change feed found changes that this or another process made. Each change is published once. */
  changesFound: [changes: readonly MediaChange[]];
  /** The change feed was interrupted and may have missed changes of pictures that were hidden and then removed. */
  changesMissed: [];
  /** A review found a hidden picture without a change that the feed could find. */
  hiddenPictureFound: [id: MediaId];
}

/** Calls subscribers synchronously, in the order in which they subscribed. */
export class Changes extends EventEmitter<ChangeEvents> {}
