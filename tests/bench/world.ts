// A running service with users and pictures, for the benchmarks.
import { readFile } from "node:fs/promises";
import path from "node:path";

import sharp from "sharp";

import { AccessTokens } from "../../src/auth/access-token.ts";
import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { createObjectKey, thumbnailKeyOf } from "../../src/domain/media.ts";
import { createStorage } from "../../src/storage/create-storage.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";

export interface BenchPerson {
  userId: string;
  token: string;
  mediaId: string | null;
}

export class World {
  private constructor(
    readonly folder: string,
    readonly server: ServerProcess,
    readonly database: Database,
    readonly tokens: AccessTokens,
    readonly env: Record<string, string>,
  ) {}

  /** Starts the built program on `folder`, which may be empty or have the data of an earlier start. */
  static async start(folder: string, env: Record<string, string> = {}): Promise<World> {
    const all = { INSTANCE_DIR: folder, UPLOADS_PER_MINUTE: "1000000", LOG_LEVEL: "info", ...env };
    const server = await ServerProcess.start(all);
    const database = await Database.openBeside(loadConfig(all).database);
    const secret = await readFile(path.join(folder, "jwt-secret"), "utf8");
    return new World(
      folder,
      server,
      database,
      new AccessTokens({ kind: "shared-secret", secret: secret.trim() }, 0),
      all,
    );
  }

  async stop(): Promise<void> {
    await this.database.close();
    await this.server.stop();
  }

  async givenPerson(name: string): Promise<BenchPerson> {
    const { id: userId } = await this.database.users.create({
      username: name,
      email: `${name}@example.com`,
      passwordHash: "none",
    });
    return { userId, token: await this.tokens.issue(userId), mediaId: null };
  }

  /** Stores a picture as an upload would have left it. @returns its object key */
  async givenPicture(person: BenchPerson, original: Buffer, thumbnail: Buffer): Promise<string> {
    const { media, users } = this.database;
    const storage = await createStorage(loadConfig(this.env).storage);
    const objectKey = createObjectKey("jpeg");
    const { id } = await media.insertPending({
      objectKey,
      originalFilename: "picture.jpg",
      fileSizeBytes: original.length,
      contentType: "image/jpeg",
      width: 512,
      height: 600,
      uploaderId: person.userId,
      etag: objectKey,
      look: { crop: null, filter: null },
      placeholder: { thumbHash: "1RcKLwZSuGlfeHeimWeIp4eJyFBZDZcD", dominantColor: "#131219" },
    });
    await storage.put(objectKey, original);
    await storage.put(thumbnailKeyOf(objectKey), thumbnail);
    await media.markReady(id, null);
    await users.swapPicture(person.userId, null, id);
    await media.settle({ retiredId: null, currentId: id });
    person.mediaId = id;
    return objectKey;
  }
}

/** Makes a PNG of about 600 kB from a photograph. */
export function makePng(photo: Buffer): Promise<Buffer> {
  return sharp(photo).resize(470, 551).png().toBuffer();
}

/** Makes a photograph of about 285 kB and its thumbnail of about 7 kB. */
export async function makePhoto(): Promise<{ original: Buffer; thumbnail: Buffer }> {
  const photo = sharp(sampleImages.portraitJpeg()).resize(1500, 1758);
  const noise = await sharp({
    create: {
      width: 1500,
      height: 1758,
      channels: 3,
      background: "#808080",
      noise: { type: "gaussian", mean: 128, sigma: 14 },
    },
  })
    .png()
    .toBuffer();
  const original = await photo
    .composite([{ input: noise, blend: "soft-light" }])
    .jpeg({ quality: 76 })
    .toBuffer();
  const thumbnail = await sharp(original).resize(150, 150).jpeg({ quality: 82 }).toBuffer();
  return { original, thumbnail };
}
