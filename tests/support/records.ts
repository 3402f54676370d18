// Inserts many users and pictures directly into a database, for tests of queries and measurements of size.
import { randomBytes } from "node:crypto";

import { mongo, type Connection } from "mongoose";

const BATCH_COUNT = 2_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Ids of every hundredth inserted pair of user and picture. */
export interface Sample {
  userIds: string[];
  mediaIds: string[];
}

/**
 * Inserts users with one picture each, as a service has them after a year: every change is settled, and one picture in
 * a hundred is retired.
 */
export async function insertRecords(connection: Connection, count: number): Promise<Sample> {
  const sample: Sample = { userIds: [], mediaIds: [] };
  for (let start = 0; start < count; start += BATCH_COUNT) {
    const records = Array.from({ length: Math.min(BATCH_COUNT, count - start) }, (_, i) =>
      givenPair(start + i),
    );
    await connection.collection("users").insertMany(
      records.map(({ user }) => user),
      { ordered: false },
    );
    await connection.collection("media").insertMany(
      records.map(({ media }) => media),
      { ordered: false },
    );
    for (let i = 1; i < records.length; i += 100) {
      sample.userIds.push(String(records[i]!.user._id));
      sample.mediaIds.push(String(records[i]!.media._id));
    }
  }
  return sample;
}

/** Inserts the rate-limit entries of `count` users who have each uploaded once. */
export async function insertRateLimits(connection: Connection, count: number): Promise<void> {
  const expire = new Date(Date.now() + DAY_MS);
  for (let left = count; left > 0; left -= BATCH_COUNT) {
    const entries = Array.from({ length: Math.min(BATCH_COUNT, left) }, () => ({
      _id: `upload:${String(new mongo.ObjectId())}`,
      points: 1,
      expire,
    }));
    await connection
      .collection<{ _id: string }>("rate_limit_attempts")
      .insertMany(entries, { ordered: false });
  }
}

function givenPair(number: number): { user: mongo.BSON.Document; media: mongo.BSON.Document } {
  const [userId, mediaId] = [new mongo.ObjectId(), new mongo.ObjectId()];
  const createdAt = new Date(Date.now() - (1 + (number % 365)) * DAY_MS);
  const filename = `${randomBytes(16).toString("hex")}.jpg`;
  const isRetired = number % 100 === 0;
  const user = {
    _id: userId,
    username: `person-${userId}`,
    email: `person-${userId}@example.com`,
    password: `$2b$12$${randomBytes(27).toString("hex").slice(0, 53)}`,
    profile_picture: isRetired ? null : mediaId,
    created_at: createdAt,
    updated_at: createdAt,
    is_active: true,
  };
  const media = {
    _id: mediaId,
    filename,
    original_filename: "IMG_20260401_120000.jpg",
    file_size: 285_000,
    media_type: "image",
    mime_type: "image/jpeg",
    uploader_id: userId,
    thumbnail: `thumb_${filename}`,
    width: 1600,
    height: 1200,
    created_at: createdAt,
    view_count: number % 1000,
    view_batches: {
      [`${randomBytes(6).toString("hex")}-4242-${randomBytes(4).toString("hex")}`]: number,
    },
    is_deleted: isRetired,
    status: "ready",
    etag: randomBytes(32).toString("base64url"),
    placeholder: randomBytes(24).toString("base64"),
    dominant_color: "#a0b0c0",
    changed_at: createdAt,
    ...(isRetired && { deleted_at: createdAt }),
  };
  return { user, media };
}
