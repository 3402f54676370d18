// Keeps pages of the list of users in memory for a moment, because many clients request the same page at nearly the
// same time.
import type { UserRepository } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";
import { Cache } from "../runtime/cache.ts";

export interface UserPage {
  users: User[];
  hasNextPage: boolean;
}

/** How long a page may lack a change by another process. A change by this process appears at once. */
const MAX_AGE_MS = 1_000;

const MAX_COUNT = 100;

export class UserPages {
  readonly #pages = new Cache<string, UserPage>({ maxWeight: MAX_COUNT, maxAgeMs: MAX_AGE_MS });

  constructor(readonly users: UserRepository) {}

  forgetAll(): void {
    this.#pages.clear();
  }

  /** Drops the pages on which a user has one of these hidden pictures: the user's picture has changed. */
  forgetPagesWith(hidden: ReadonlySet<MediaId>): void {
    const isHidden = ({ profilePictureId: id }: User) => id !== null && hidden.has(id);
    if (hidden.size > 0) this.#pages.deleteWhere(({ users }) => users.some(isHidden));
  }

  /** Finds up to `count` users in the order in which they joined, and whether there are more. */
  find(count: number, afterId: UserId | null): Promise<UserPage> {
    return this.#pages.load(`${count} ${afterId}`, async () => {
      const users = await this.users.findPage({ maxCount: count + 1, afterId });
      return { users: users.slice(0, count), hasNextPage: users.length > count };
    });
  }
}
