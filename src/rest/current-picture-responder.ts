// Answers requests for a user's current picture at an address that never changes: with the picture, or with the user's
// initials. The bytes come from this address itself, because a redirect in a cache would lead to a picture that is gone.
import { cacheTagHeaders, userTag } from "../domain/cache-tags.ts";
import { parseId, type MediaId } from "../domain/ids.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import type { CurrentPicture, CurrentPictures } from "../services/current-pictures.ts";
import { answerWithInitials } from "./initials-answer.ts";
import type { MediaResponder } from "./media-responder.ts";
import type { Caching, PictureAnswer, PictureAnswers } from "./picture-answer.ts";
import type { PictureExchange } from "./picture-exchange.ts";
import { readCurrentForm, type CurrentForm } from "./picture-query.ts";

/** How long a cache may show the previous picture or the initials after a change. */
const MAX_AGE_SECONDS = 60;

/** Errors that say that a picture cannot be shown, however often a client asks for it. */
const permanentErrors = new Set<ErrorCode>(["MEDIA_NOT_FOUND", "UNREADABLE_IMAGE", "IMAGE_TOO_COMPLEX"]);

export interface CurrentPictureResponderOptions {
  currentPictures: CurrentPictures;
  media: MediaResponder;
  /** Builds answers with the caching that `currentCaching` returns. */
  answers: PictureAnswers;
}

export class CurrentPictureResponder {
  constructor(readonly options: CurrentPictureResponderOptions) {}

  /** @throws BAD_USER_INPUT, USER_NOT_FOUND, OVERLOADED, STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE */
  async answer(exchange: PictureExchange): Promise<PictureAnswer> {
    const { target, headers } = exchange;
    return this.#answer(exchange, readCurrentForm(target.search, headers.accept), null);
  }

  /** @param failedId the picture that could not be shown. If the user still has it, the initials are shown. */
  async #answer(
    exchange: PictureExchange,
    form: CurrentForm,
    failedId: MediaId | null,
  ): Promise<PictureAnswer> {
    const { currentPictures, media, answers } = this.options;
    const { user, picture } = await this.#find(exchange, form);
    if (!picture || picture.media.id === failedId) return this.#answerWithInitials(exchange, form, user);
    try {
      return await media.answerWith(exchange, picture, answers);
    } catch (error) {
      if (!(error instanceof AppError && permanentErrors.has(error.code))) throw error;
      currentPictures.forgetUser(user.id); // The picture may have been replaced since the user was read.
      return this.#answer(exchange, form, picture.media.id);
    }
  }

  async #find(exchange: PictureExchange, { square }: CurrentForm): Promise<CurrentPicture> {
    const { currentPictures } = this.options;
    const { id } = exchange.target;
    const inMemory = currentPictures.peek(id, square);
    if (inMemory) return inMemory;
    exchange.isFromMemory = false;
    return currentPictures.find(parseId(id, "user"), square);
  }

  async #answerWithInitials(
    exchange: PictureExchange,
    { square, initialsFormat }: CurrentForm,
    user: CurrentPicture["user"],
  ): Promise<PictureAnswer> {
    const { currentPictures, media, answers } = this.options;
    const { request, headers } = exchange;
    exchange.isFromMemory = false;
    const client = media.clientOf(request);
    const drawn = await currentPictures.drawDefault(user, square.sidePx, initialsFormat, client);
    return answerWithInitials(headers, drawn, {
      isHead: request.method === "HEAD",
      maxAgeSeconds: MAX_AGE_SECONDS,
      tags: answers.sendsCacheTags ? cacheTagHeaders([userTag(user.id)]) : {},
    });
  }
}

/** The caching of current pictures: as that of all pictures, but no copy is shown longer than `MAX_AGE_SECONDS`. */
export function currentCaching({ maxAgeSeconds }: Caching): Caching {
  return { maxAgeSeconds: Math.min(maxAgeSeconds, MAX_AGE_SECONDS), staleSeconds: 0, isImmutable: false };
}
