// A request for a picture.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

import { MEDIA_PREFIX } from "../domain/paths.ts";

export interface PictureTarget {
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
  /** Becomes false when the answer needs more than what is in memory. */
  isFromMemory: boolean;
}

/** Reads the URL of a picture: one path segment after the prefix, whether it is an id or not. Null for other URLs. */
export function readTarget(url: string): PictureTarget | null {
  if (!url.startsWith(MEDIA_PREFIX)) return null;
  const queryAt = url.indexOf("?", MEDIA_PREFIX.length);
  const end = queryAt === -1 ? url.length : queryAt;
  const id = url.slice(MEDIA_PREFIX.length, end);
  return id === "" || id.includes("/") ? null : { id, search: url.slice(end) };
}
