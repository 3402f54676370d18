// Reads and writes users. Called by the services; nothing else knows how a user is stored.
import type { Connection, Model } from "mongoose";

import type { MediaId, UserId } from "../domain/ids.ts";
import type { NewUser, User, UserCredentials } from "../domain/user.ts";
import { AppError } from "../errors.ts";
import { isDuplicateKey, querying } from "./errors.ts";
import { UserRecord, userModel } from "./user.model.ts";

/** Records that LetsApp wrote may lack the field, so absence means active. */
const active = { is_active: { $ne: false } } as const;

/** Whose profile picture a media is. */
export interface Pointer {
  userId: UserId;
  mediaId: MediaId;
}

/** Users by their ids and names. A deactivated user counts as unknown. */
export class UserRepository {
  readonly #users: Model<UserRecord>;

  constructor(connection: Connection) {
    this.#users = userModel(connection);
  }

  async findById(id: UserId): Promise<User | null> {
    const record = await querying(() => this.#users.findOne({ _id: id, ...active }).lean<UserRecord>());
    return record && toUser(record);
  }

  /** Where a user's pointer is, whether the user is active or not; null when it is nowhere. */
  async findPictureId(id: UserId): Promise<MediaId | null> {
    const record = await querying(() =>
      this.#users.findOne({ _id: id }, { profile_picture: 1 }).lean<UserRecord>(),
    );
    return record?.profile_picture?.toHexString() ?? null;
  }

  /** The pointers of these users, in no particular order, whether the users are active or not. */
  async findPointersOf(ids: readonly UserId[]): Promise<Pointer[]> {
    const filter = { _id: { $in: ids }, profile_picture: { $ne: null } };
    const records = await querying(() =>
      this.#users.find(filter, { profile_picture: 1 }).lean<UserRecord[]>(),
    );
    return records.map(toPointer);
  }

  /** In no particular order; unknown ids are left out. */
  async findManyByIds(ids: readonly UserId[]): Promise<User[]> {
    const records = await querying(() =>
      this.#users.find({ _id: { $in: ids }, ...active }).lean<UserRecord[]>(),
    );
    return records.map(toUser);
  }

  /** Pointers to pictures in the order of their users' ids, from the one after `afterId`, deactivated ones as well. */
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

  /** Takes a pointer away if it is still where it is expected, whether its user is active or not. */
  async removePointer({ userId, mediaId }: Pointer): Promise<void> {
    await querying(() =>
      this.#users.updateOne(
        { _id: userId, profile_picture: mediaId },
        { $set: { profile_picture: null, updated_at: new Date() } },
      ),
    );
  }

  /** Users in the order in which they joined, from the one after `afterId`. */
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
   * Moves the user's pointer from one media to another in one atomic write, if it is still where it is expected
   * to be. Null stands for no picture.
   *
   * @returns false when somebody else moved it, or the user is gone
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

  /** Not every server says which key was taken. What it says has the address in it, so it is no cause for a log. */
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
