// Pages of the list of users, in memory for a moment: many people look at the same list, and at nearly the same time.
// Called by `account-service.ts`.
import type { UserRepository } from "../database/user-repository.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";

export interface UserPage {
  users: User[];
  hasNextPage: boolean;
}

/** For so long a page may lack what another process has changed. What this one changes is there at once. */
const MAX_AGE_MS = 1_000;

const MAX_COUNT = 100;

export class UserPages {
  readonly #pages = new Map<string, { page: Promise<UserPage>; readAtMs: number }>();

  constructor(readonly users: UserRepository) {}

  forgetAll(): void {
    this.#pages.clear();
  }

  /** Up to `count` users in the order in which they joined, and whether there are more. */
  async find(count: number, afterId: UserId | null): Promise<UserPage> {
    const key = `${count} ${afterId}`;
    const now = performance.now();
    const recent = this.#pages.get(key);
    if (recent && now - recent.readAtMs < MAX_AGE_MS) return recent.page;
    if (this.#pages.size >= MAX_COUNT) this.#pages.clear();
    const read = { page: this.#read(count, afterId), readAtMs: now };
    this.#pages.set(key, read);
    try {
      return await read.page;
    } catch (error) {
      if (this.#pages.get(key) === read) this.#pages.delete(key);
      throw error;
    }
  }

  /** Drops the pages with a user who shows one of these pictures: that user shows another by now. */
  forgetPagesWith(hidden: ReadonlySet<MediaId>): void {
    const isHidden = ({ profilePictureId: id }: User) => id !== null && hidden.has(id);
    const forget = async (key: string, kept: { page: Promise<UserPage> }) => {
      const { users } = await kept.page;
      if (users.some(isHidden) && this.#pages.get(key) === kept) this.#pages.delete(key);
    };
    for (const [key, kept] of this.#pages) forget(key, kept).catch(() => {}); // Whoever asked for it is told.
  }

  async #read(count: number, afterId: UserId | null): Promise<UserPage> {
    const users = await this.users.findPage({ maxCount: count + 1, afterId });
    return { users: users.slice(0, count), hasNextPage: users.length > count };
  }
}
