// Notifies the parts of this process of changes. The services publish their own changes, and the change feed publishes
// those of all processes. `parts.ts` subscribes the parts of the service, `cli/program.ts` those of a program.
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
  /** The change feed is up to date for the first time, or again, and may have missed earlier changes. */
  changesMissed: [];
  /** A review found a record in memory whose picture is hidden or removed. The change feed may not find this change. */
  hiddenPictureFound: [id: MediaId];
}

/** Calls subscribers synchronously, in the order in which they subscribed. */
export class Changes extends EventEmitter<ChangeEvents> {}
