// Finds a picture by its id and converts it to the type `Media`.
import type { MediaId } from "../domain/ids.ts";
import type { RequestContext } from "./context.ts";
import type { MediaType } from "./media.type.ts";
import { toMediaType } from "./to-type.ts";

/**
 * Returns a picture without a promise if its record is in memory, as most pictures of a user list are. The loader of
 * the request reads all other pictures in one query.
 */
export function findMedia(
  { loaders, services: { media, urls } }: RequestContext,
  id: MediaId,
): MediaType | Promise<MediaType | null> {
  const known = media.peek(id);
  if (known) return toMediaType(known, urls);
  return loaders.mediaById.load(id).then((read) => read && toMediaType(read, urls));
}
