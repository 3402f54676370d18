// Finds a user's current profile picture, and draws a default picture with the user's initials.
import { createHash } from "node:crypto";

import type { UserRepository } from "../database/user-repository.ts";
import { Cache } from "../runtime/cache.ts";
import type { UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";
import { colourOf, initialsOf } from "../domain/initials.ts";
import type { RenditionFormat, Square } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { SQUARE_MEMORY_BYTES } from "../images/cost.ts";
import { drawDefaultSvg } from "../images/default-svg.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { MediaService } from "./media-service.ts";
import type { Picture } from "./picture.ts";

/** How long a change by another process may stay unnoticed. A change by this process takes effect at once. */
const MAX_AGE_MS = 1_000;
const MAX_COUNT = 10_000;

export interface DefaultPicture {
  contentType: `image/${RenditionFormat | "svg+xml"}`;
  bytes: Buffer;
  /** A strong entity tag, with its quotes. */
  etag: string;
}

export interface CurrentPicture {
  user: User;
  /** Null when the user has no visible picture. */
  picture: Picture | null;
}

interface Drawing {
  initials: string;
  colour: string;
  sidePx: number;
  format: RenditionFormat | "svg";
}

export class CurrentPictures {
  readonly #users = new Cache<UserId, User | null>({
    maxWeight: MAX_COUNT,
    maxAgeMs: MAX_AGE_MS,
    shouldStore: () => true, // Also null, for an unknown user.
  });
  readonly #drawn = new Cache<string, DefaultPicture>({ maxWeight: MAX_COUNT });

  constructor(
    readonly users: UserRepository,
    readonly media: MediaService,
    readonly pictureMaker: Pick<PictureMaker, "run">,
  ) {}

  /** Drops the user from memory. The next request reads it from the database. */
  forgetUser(id: UserId): void {
    this.#users.delete(id);
  }

  /** Returns the user's picture if everything about it is in memory and up to date. */
  peek(userId: UserId, square: Square): CurrentPicture | undefined {
    const user = this.#users.get(userId);
    const picture = user?.profilePictureId && this.media.peekPicture(user.profilePictureId, square);
    return picture ? { user: user!, picture } : undefined;
  }

  /**
   * Finds the user and the user's picture.
   *
   * @throws USER_NOT_FOUND, DATABASE_UNAVAILABLE
   */
  async find(userId: UserId, square: Square): Promise<CurrentPicture> {
    const found = await this.#find(userId, square);
    if (found.picture || found.user.profilePictureId === null) return found;
    this.forgetUser(userId); // The picture may have been replaced since the user was read.
    return this.#find(userId, square);
  }

  async #find(userId: UserId, square: Square): Promise<CurrentPicture> {
    const user = await this.#users.load(userId, () => this.users.findById(userId));
    if (!user) throw new AppError("USER_NOT_FOUND", "There is no such user.");
    const { profilePictureId: mediaId } = user;
    const picture = mediaId === null ? null : await this.media.findPicture(mediaId, square);
    return { user, picture };
  }

  /**
   * Draws the user's initials on the user's colour, which never changes.
   *
   * @param client a user's id, or a network address: clients take turns at image work
   * @throws OVERLOADED
   */
  drawDefault(
    { id, username }: User,
    sidePx: number,
    format: RenditionFormat | "svg",
    client: string,
  ): Promise<DefaultPicture> {
    const [initials, colour] = [initialsOf(username), colourOf(id)];
    const key = `${initials} ${colour} ${sidePx} ${format}`;
    return this.#drawn.load(key, () => this.#draw({ initials, colour, sidePx, format }, client));
  }

  async #draw({ initials, colour, sidePx, format }: Drawing, client: string): Promise<DefaultPicture> {
    if (format === "svg")
      return toDefaultPicture("image/svg+xml", Buffer.from(drawDefaultSvg(initials, colour, sidePx)));
    const bytes = await this.pictureMaker.run("squares", client, async () => ({
      memoryBytes: SQUARE_MEMORY_BYTES,
      task: "drawDefaultImage",
      args: [initials, colour, sidePx, format],
    }));
    return toDefaultPicture(`image/${format}`, bytes!);
  }
}

function toDefaultPicture(contentType: DefaultPicture["contentType"], bytes: Buffer): DefaultPicture {
  return { contentType, bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
}
