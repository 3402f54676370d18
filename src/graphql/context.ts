// The context that all resolvers of one request share.
import type { FastifyBaseLogger } from "fastify";

import type { Actor } from "../auth/actor.ts";
import type { AccountService } from "../services/account-service.ts";
import type { LiveChanges } from "../services/live-changes.ts";
import type { MediaService } from "../services/media-service.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import type { Placeholders } from "../services/placeholders.ts";
import type { ProfilePictureService } from "../services/profile-picture-service.ts";
import type { Loaders } from "./loaders.ts";

export interface Services {
  accounts: AccountService;
  media: MediaService;
  profilePictures: ProfilePictureService;
  placeholders: Placeholders;
  liveChanges: LiveChanges;
  urls: MediaUrls;
}

export interface RequestContext {
  /** Null without a token. */
  actor: Actor | null;
  /** Identifies the request, or the live connection, in the log and in the errors that the client receives. */
  requestId: string;
  log: FastifyBaseLogger;
  /** The client's network: the key for rate limits and work queues. See `domain/network.ts`. */
  network: string;
  services: Services;
  loaders: Loaders;
}

/** Clears the loaders after a change, so that the fields of the payload are loaded again. */
export function forgetLoaded({ loaders }: RequestContext): void {
  loaders.userById.clearAll();
  loaders.mediaById.clearAll();
  loaders.viewCountById.clearAll();
}
