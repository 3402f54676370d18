// Pages of the list of users, in memory for a moment: many people look at the same list, and at nearly the same time.
// Called by `account-service.ts`.
import type { UserRepository } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";
import { Cache } from "../runtime/cache.ts";

export interface UserPage {
  users: User[];
  hasNextPage: boolean;
}

/** For so long a page may lack what another process has changed. What this one changes is there at once. */
const MAX_AGE_MS = 1_000;

const MAX_COUNT = 100;

export class UserPages {
  readonly #pages = new Cache<string, UserPage>({ maxWeight: MAX_COUNT, maxAgeMs: MAX_AGE_MS });

  constructor(readonly users: UserRepository) {}

  forgetAll(): void {
    this.#pages.clear();
  }

  /** Drops the pages with a user who shows one of these pictures: that user shows another by now. */
  forgetPagesWith(hidden: ReadonlySet<MediaId>): void {
    const isHidden = ({ profilePictureId: id }: User) => id !== null && hidden.has(id);
    if (hidden.size > 0) this.#pages.deleteWhere(({ users }) => users.some(isHidden));
  }

  /** Up to `count` users in the order in which they joined, and whether there are more. */
  find(count: number, afterId: UserId | null): Promise<UserPage> {
    return this.#pages.load(`${count} ${afterId}`, async () => {
      const users = await this.users.findPage({ maxCount: count + 1, afterId });
      return { users: users.slice(0, count), hasNextPage: users.length > count };
    });
  }
}
