// The paths of the REST door, defined once: routes, links and the picture lane use them.
import type { MediaId, UserId } from "./ids.ts";

export const REST_PREFIX = "/api/users";

/** Ends with a slash: the media id follows. */
export const MEDIA_PREFIX = `${REST_PREFIX}/media/`;

/** The route of a picture, as metrics and `Allow` headers name it. */
export const MEDIA_ROUTE = `${MEDIA_PREFIX}:mediaId`;

/** Follows the user's id in the path of the user's current picture. */
export const PROFILE_PICTURE_SUFFIX = "/profile-picture";

/** The route below `REST_PREFIX` at which a user's picture is replaced and deleted. */
export const PROFILE_PICTURE_ROUTE = `/:userId${PROFILE_PICTURE_SUFFIX}`;

/** The route of a user's current picture, as metrics and `Allow` headers name it. */
export const CURRENT_PICTURE_ROUTE = REST_PREFIX + PROFILE_PICTURE_ROUTE;

export function mediaPath(id: MediaId): string {
  return MEDIA_PREFIX + id;
}

export function profilePicturePath(id: UserId): string {
  return `${REST_PREFIX}/${id}${PROFILE_PICTURE_SUFFIX}`;
}
