// A picture by its id, as the graph shows it. Called by the resolvers.
import type { MediaId } from "../domain/ids.ts";
import type { RequestContext } from "./context.ts";
import type { MediaType } from "./media.type.ts";
import { toMediaType } from "./to-type.ts";

/** At once where it is known: of a list that most people look at, nearly all are. The others are read in one query. */
export function findMedia(
  { loaders, services: { media, urls } }: RequestContext,
  id: MediaId,
): MediaType | Promise<MediaType | null> {
  const known = media.peek(id);
  if (known) return toMediaType(known, urls);
  return loaders.mediaById.load(id).then((read) => read && toMediaType(read, urls));
}
