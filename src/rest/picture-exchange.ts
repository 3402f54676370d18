// A request for a picture: at the address of a media, or at the fixed address of a user's current picture.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

import {
  CURRENT_PICTURE_ROUTE,
  MEDIA_PREFIX,
  MEDIA_ROUTE,
  PROFILE_PICTURE_SUFFIX,
  REST_PREFIX,
} from "../domain/paths.ts";

export interface PictureTarget {
  /** The pattern of the path, which says whose id it has. */
  route: typeof MEDIA_ROUTE | typeof CURRENT_PICTURE_ROUTE;
  /** The id as it stands in the path. */
  id: string;
  /** The rest of the URL from its "?" on. */
  search: string;
}

export interface PictureExchange {
  request: IncomingMessage;
  response: ServerResponse;
  headers: IncomingHttpHeaders;
  target: PictureTarget;
  id: string;
  startedAtMs: number;
  /** Becomes false when the answer needs the database, the storage or image work. */
  isFromMemory: boolean;
}

const USERS_PREFIX = `${REST_PREFIX}/`;

/** Reads the URL of a picture: one path segment for the id, whether it is an id or not. Null for other URLs. */
export function readTarget(url: string): PictureTarget | null {
  if (!url.startsWith(USERS_PREFIX)) return null;
  const queryAt = url.indexOf("?", USERS_PREFIX.length);
  const end = queryAt === -1 ? url.length : queryAt;
  const isMedia = url.startsWith(MEDIA_PREFIX);
  const start = isMedia ? MEDIA_PREFIX.length : USERS_PREFIX.length;
  const idEnd = isMedia ? end : end - PROFILE_PICTURE_SUFFIX.length;
  if (idEnd <= start || (!isMedia && !url.startsWith(PROFILE_PICTURE_SUFFIX, idEnd))) return null;
  const id = url.slice(start, idEnd);
  if (id.includes("/")) return null;
  return { route: isMedia ? MEDIA_ROUTE : CURRENT_PICTURE_ROUTE, id, search: url.slice(end) };
}
