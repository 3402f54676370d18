// The names by which a cache at the edge finds what it keeps of a picture or of a user. Sent with each picture by
// `rest/picture-answer.ts` and `rest/current-picture.route.ts`, purged by `jobs/edge-purge.ts`.
import type { MediaId, UserId } from "./ids.ts";

/** Letters, digits and hyphens. */
export type CacheTag = `media-${MediaId}` | `user-${UserId}`;

export function mediaTag(id: MediaId): CacheTag {
  return `media-${id}`;
}

/** All pictures that the user has uploaded, and what leads to the current one. */
export function userTag(id: UserId): CacheTag {
  return `user-${id}`;
}

/** As Fastly and Varnish read them, and as Cloudflare, Akamai and Bunny do. */
export function cacheTagHeaders(tags: readonly CacheTag[]): Record<string, string> {
  return { "surrogate-key": tags.join(" "), "cache-tag": tags.join(",") };
}
