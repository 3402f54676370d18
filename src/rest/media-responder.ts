// Answers requests for a known media: finds the picture, evaluates conditions, reads bytes and counts the view.
import type { IncomingMessage, ServerResponse } from "node:http";

import { parseId } from "../domain/ids.ts";
import { networkOf } from "../domain/network.ts";
import type { LentBytes, MediaService } from "../services/media-service.ts";
import type { Picture } from "../services/picture.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import { inlineDisposition } from "./content-disposition.ts";
import type { PictureAnswer, PictureAnswers } from "./picture-answer.ts";
import type { PictureExchange } from "./picture-exchange.ts";
import { parseSearch, readRendition, recallRendition } from "./picture-query.ts";

export interface MediaResponderOptions {
  media: MediaService;
  views: ViewCounter;
  answers: PictureAnswers;
  /** True when clients are redirected to the bucket for objects that they can fetch there. */
  isRedirecting: boolean;
  clientAddressOf: (request: IncomingMessage) => string;
}

export class MediaResponder {
  constructor(readonly options: MediaResponderOptions) {}

  /** @throws BAD_USER_INPUT, MEDIA_NOT_FOUND, DATABASE_UNAVAILABLE, and as `MediaService.readBytes` */
  async answer(exchange: PictureExchange): Promise<PictureAnswer> {
    const picture = this.#recallPicture(exchange) ?? (await this.#findPicture(exchange));
    return this.answerWith(exchange, picture, this.options.answers);
  }

  /**
   * Answers with a picture, and counts the view.
   *
   * @throws as `MediaService.readBytes`, BAD_USER_INPUT for a range outside of the picture
   */
  async answerWith(
    exchange: PictureExchange,
    picture: Picture,
    answers: PictureAnswers,
  ): Promise<PictureAnswer> {
    const answer =
      answers.withoutBytes(exchange.headers, picture) ??
      (await this.#answerWithBytes(exchange, picture, answers));
    // Counted before it is sent, so that every view that a client has seen is in the journal.
    if (answer.isView) await this.options.views.count(picture.media.id);
    return answer;
  }

  /** Returns the client's network: networks take turns when squares have to be made. */
  clientOf(request: IncomingMessage): string {
    return networkOf(this.options.clientAddressOf(request));
  }

  /** Returns the picture if its record and its parsed query are in memory. */
  #recallPicture({ target: { id, search }, headers }: PictureExchange): Picture | undefined {
    const rendition = recallRendition(search, headers.accept);
    return rendition && this.options.media.peekPicture(id, rendition);
  }

  /** @throws BAD_USER_INPUT, MEDIA_NOT_FOUND, DATABASE_UNAVAILABLE */
  #findPicture(exchange: PictureExchange): Promise<Picture> {
    exchange.isFromMemory = false;
    const { id, search } = exchange.target;
    const rendition = readRendition(parseSearch(search), exchange.headers.accept);
    return this.options.media.getPicture(parseId(id, "media"), rendition);
  }

  async #answerWithBytes(
    exchange: PictureExchange,
    picture: Picture,
    answers: PictureAnswers,
  ): Promise<PictureAnswer> {
    const { media, isRedirecting } = this.options;
    const { request, headers } = exchange;
    const isHead = request.method === "HEAD";
    // A signature is valid for GET only.
    const location = isRedirecting && !isHead && !picture.square ? await this.#sign(exchange, picture) : null;
    if (location !== null) return answers.elsewhere(headers, picture, location);
    const inMemory = media.peekBytes(picture);
    if (inMemory && !isHead) return answers.withBytes(headers, picture, inMemory);
    exchange.isFromMemory = false;
    if (isHead) return answers.ofSize(picture, await media.getSizeBytes(picture, this.clientOf(request)));
    return answers.withBytes(headers, picture, await this.#readBytes(exchange, picture));
  }

  async #sign(exchange: PictureExchange, picture: Picture): Promise<string | null> {
    const { filename, extension } = picture;
    const location = await this.options.media.sign(picture, inlineDisposition(filename, extension));
    if (location !== null) exchange.isFromMemory = false;
    return location;
  }

  async #readBytes({ request, response, headers }: PictureExchange, picture: Picture): Promise<Buffer> {
    const { media } = this.options;
    if (picture.square || headers.range !== undefined)
      return media.readBytes(picture, this.clientOf(request));
    const lent = await media.lendBytes(picture);
    giveBackOnceSent(lent, response);
    return lent.bytes;
  }
}

/** After "finish" the operating system has all bytes. If the connection closes before, they may still be in use. */
function giveBackOnceSent({ giveBack }: LentBytes, response: ServerResponse): void {
  if (response.destroyed) return giveBack(true); // The connection has closed, so nothing is sent.
  response.once("finish", () => giveBack(!response.destroyed));
  response.once("close", () => giveBack(false));
}
