// The tags that responses have so that a CDN can purge all its copies of a picture, or of a user's pictures.
import type { MediaId, UserId } from "./ids.ts";

/** A tag has only letters, digits and hyphens. */
export type CacheTag = `media-${MediaId}` | `user-${UserId}`;

export function mediaTag(id: MediaId): CacheTag {
  return `media-${id}`;
}

/** The tag of all pictures that the user has uploaded, and of every response for the user's current picture. */
export function userTag(id: UserId): CacheTag {
  return `user-${id}`;
}

/** Fastly and Varnish read `surrogate-key`. Cloudflare, Akamai and Bunny read `cache-tag`. */
export function cacheTagHeaders(tags: readonly CacheTag[]): Record<string, string> {
  return { "surrogate-key": tags.join(" "), "cache-tag": tags.join(",") };
}
