// Batches lookups by id, so that a list of any length costs one query for each loader. Each HTTP request has its own
// loaders. Subscriptions that receive the same changes share theirs, see `live.resolver.ts`.
import DataLoader from "dataloader";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { Media } from "../domain/media.ts";
import type { User } from "../domain/user.ts";
import type { AccountService } from "../services/account-service.ts";
import { mediaNotFound, type MediaService } from "../services/media-service.ts";

export interface Loaders {
  userById: DataLoader<UserId, User | null>;
  mediaById: DataLoader<MediaId, Media | null>;
  viewCountById: DataLoader<MediaId, number>;
}

export function createLoaders(accounts: AccountService, media: MediaService): Loaders {
  const viewCountById = new DataLoader<MediaId, number>(async (ids) => {
    const counts = await media.findViewCounts(ids);
    const byId = new Map(counts.map(({ id, viewCount }) => [id, viewCount]));
    return ids.map((id) => byId.get(id) ?? mediaNotFound());
  });
  return {
    userById: loaderById((ids) => accounts.findManyByIds(ids)),
    mediaById: loaderById(async (ids) => {
      const found = await media.findManyByIds(ids);
      for (const {
        media: { id },
        viewCount,
      } of found)
        viewCountById.prime(id, viewCount); // The same query returns the view count.
      return found.map((one) => one.media);
    }),
    viewCountById,
  };
}

/** Result i answers key i. An unknown id gets null. Keys are strings, because two ObjectIds never compare equal. */
function loaderById<Found extends { id: string }>(
  findManyByIds: (ids: readonly string[]) => Promise<Found[]>,
): DataLoader<string, Found | null> {
  return new DataLoader(async (ids) => {
    const found = await findManyByIds(ids);
    const byId = new Map(found.map((one) => [one.id, one]));
    return ids.map((id) => byId.get(id) ?? null);
  });
}
