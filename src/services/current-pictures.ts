// Finds a user's current profile picture, and draws a default picture with the user's initials.
import type { UserRepository } from "../database/user-repository.ts";
import { Cache } from "../runtime/cache.ts";
import type { MediaId, UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";
import { colourOf, initialsOf } from "../domain/initials.ts";
import type { RenditionFormat } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { SQUARE_MEMORY_BYTES } from "../images/cost.ts";
import { drawDefaultSvg } from "../images/default-svg.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { MediaService } from "./media-service.ts";

/** How long a change by another process may stay unnoticed. A change by this process takes effect at once. */
const MAX_AGE_MS = 1_000;
const MAX_COUNT = 10_000;

export interface DefaultPicture {
  contentType: `image/${RenditionFormat | "svg+xml"}`;
  bytes: Buffer;
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

  /**
   * Finds the user and the id of the user's picture. The id is null when the user has no visible picture.
   *
   * @throws USER_NOT_FOUND
   */
  async find(userId: UserId): Promise<{ user: User; mediaId: MediaId | null }> {
    const user = await this.#users.load(userId, () => this.users.findById(userId));
    if (!user) throw new AppError("USER_NOT_FOUND", "There is no such user.");
    const { profilePictureId: mediaId } = user;
    const isVisible = mediaId !== null && (await this.media.isVisible(mediaId));
    return { user, mediaId: isVisible ? mediaId : null };
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
    if (format === "svg") {
      return { contentType: "image/svg+xml", bytes: Buffer.from(drawDefaultSvg(initials, colour, sidePx)) };
    }
    const bytes = await this.pictureMaker.run("squares", client, async () => ({
      memoryBytes: SQUARE_MEMORY_BYTES,
      task: "drawDefaultImage",
      args: [initials, colour, sidePx, format],
    }));
    return { contentType: `image/${format}`, bytes: bytes! };
  }
}
