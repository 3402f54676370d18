// Reads and writes users. Only this file and `user.model.ts` know how a user is stored.
import type { Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { NewUser, User, UserCredentials } from "../domain/user.ts";
import { AppError } from "../errors.ts";
import { isDuplicateKey, querying } from "./errors.ts";
import { UserRecord, userModel } from "./user.model.ts";

/** Records that LetsApp wrote may lack the field, so absence means active. */
const active = { is_active: { $ne: false } } as const;

/** The reference from a user to the media that is the user's profile picture. */
export interface Pointer {
  userId: UserId;
  mediaId: MediaId;
}

/** Finds users by id and by name. A deactivated user counts as unknown, unless a method says otherwise. */
export class UserRepository {
  readonly #users: Model<UserRecord>;

  constructor(connection: Connection) {
    this.#users = userModel(connection);
  }

  async findById(id: UserId): Promise<User | null> {
    const record = await querying(() => this.#users.findOne({ _id: id, ...active }).lean<UserRecord>());
    return record && toUser(record);
  }

  /** The media that a user's pointer leads to, also for a deactivated user; null if there is none. */
  async findPictureId(id: UserId): Promise<MediaId | null> {
    const record = await querying(() =>
      this.#users.findOne({ _id: id }, { profile_picture: 1 }).lean<UserRecord>(),
    );
    return record?.profile_picture?.toHexString() ?? null;
  }

  /** The pointers of these users, in no particular order. Includes deactivated users. */
  async findPointersOf(ids: readonly UserId[]): Promise<Pointer[]> {
    const filter = { _id: { $in: ids }, profile_picture: { $ne: null } };
    const records = await querying(() =>
      this.#users.find(filter, { profile_picture: 1 }).lean<UserRecord[]>(),
    );
    return records.map(toPointer);
  }

  /** The users with these ids, in no particular order. Unknown ids are left out. */
  async findManyByIds(ids: readonly UserId[]): Promise<User[]> {
    const records = await querying(() =>
      this.#users.find({ _id: { $in: ids }, ...active }).lean<UserRecord[]>(),
    );
    return records.map(toUser);
  }

  /** Pointers in the order of their users' ids, starting after `afterId`. Includes deactivated users. */
  async findPointers(afterId: UserId | null, maxCount: number): Promise<Pointer[]> {
    const records = await querying(() =>
      this.#users
        .find(
          { ...(afterId && { _id: { $gt: afterId } }), profile_picture: { $ne: null } },
          { profile_picture: 1 },
        )
        .sort({ _id: 1 })
        .limit(maxCount)
        .lean<UserRecord[]>(),
    );
    return records.map(toPointer);
  }

  /** Removes the pointer if it still leads to `mediaId`, also for a deactivated user. */
  async removePointer({ userId, mediaId }: Pointer): Promise<void> {
    await querying(() =>
      this.#users.updateOne(
        { _id: userId, profile_picture: mediaId },
        { $set: { profile_picture: null, updated_at: new Date() } },
      ),
    );
  }

  /** Users in the order in which they joined, starting after `afterId`. */
  async findPage({ maxCount, afterId }: { maxCount: number; afterId: UserId | null }): Promise<User[]> {
    const filter = afterId ? { _id: { $gt: afterId }, ...active } : active;
    const records = await querying(() =>
      this.#users.find(filter).sort({ _id: 1 }).limit(maxCount).lean<UserRecord[]>(),
    );
    return records.map(toUser);
  }

  /** @param login a user name, or an e-mail address in lower case */
  async findCredentials(login: { username: string } | { email: string }): Promise<UserCredentials | null> {
    const record = await querying(() => this.#users.findOne({ ...login, ...active }).lean<UserRecord>());
    return record && { user: toUser(record), passwordHash: record.password.toString("utf8") };
  }

  /** @throws CONFLICT when the user name or the e-mail address is taken */
  async create({ username, email, passwordHash }: NewUser): Promise<User> {
    const now = new Date();
    const record = new this.#users({
      username,
      email,
      password: passwordHash,
      profile_picture: null,
      created_at: now,
      updated_at: now,
      is_active: true,
    });
    try {
      await querying(() => record.save());
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      throw await this.#conflict(username);
    }
    return toUser(record);
  }

  /**
   * Moves the user's pointer from `expected` to `next` in one atomic compare-and-swap. Null stands for no picture.
   *
   * @returns false when another change has moved the pointer, or the user is gone or deactivated
   */
  async swapPicture(id: UserId, expected: MediaId | null, next: MediaId | null): Promise<boolean> {
    const { matchedCount } = await querying(() =>
      this.#users.updateOne(
        { _id: id, profile_picture: expected, ...active },
        { $set: { profile_picture: next, updated_at: new Date() } },
      ),
    );
    return matchedCount === 1;
  }

  /**
   * Queries which key is taken, because not every server names it. The server's error is not kept as the cause: it
   * contains the e-mail address, which must not be logged.
   */
  async #conflict(username: string): Promise<AppError> {
    const isNameTaken = await querying(() => this.#users.exists({ username }));
    const what = isNameTaken ? "user name" : "e-mail address";
    return new AppError("CONFLICT", `This ${what} is taken.`);
  }
}

function toPointer({ _id, profile_picture }: UserRecord): Pointer {
  return { userId: _id.toHexString(), mediaId: profile_picture!.toHexString() };
}

function toUser(record: UserRecord): User {
  return {
    id: record._id.toHexString(),
    username: record.username,
    email: record.email,
    profilePictureId: record.profile_picture?.toHexString() ?? null,
    createdAt: record.created_at ? new Date(record.created_at) : record._id.getTimestamp(),
  };
}
