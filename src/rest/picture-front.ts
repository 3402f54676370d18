// Answers for pictures that are known, before the web framework is asked: most requests are for those, and its hooks
// would cost more than the answer. Whatever is out of the ordinary goes the usual way, to `media.route.ts`. Made by
// `app.ts`.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

import type { FastifyBaseLogger } from "fastify";

import type { LentBytes, MediaService } from "../services/media-service.ts";
import type { Picture } from "../services/picture.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import { recallRendition } from "./picture-query.ts";
import type { PictureAnswer, PictureAnswers } from "./picture-answer.ts";

export interface PictureFrontOptions {
  media: MediaService;
  views: ViewCounter;
  answers: PictureAnswers;
  /** Whether clients are sent elsewhere for what is stored as it is: the route does that. */
  isRedirecting: boolean;
  log: FastifyBaseLogger;
  /** Called with the time that an answer took which was not in memory. */
  observe: (status: number, seconds: number) => void;
}

const PATH = "/api/users/media/";
const ID_LENGTH = 24;

/** What asks for more than the picture, or sends something. */
const unusualHeaders = new Set([
  "range",
  "if-match",
  "if-unmodified-since",
  "expect",
  "content-length",
  "transfer-encoding",
]);
const usualHeaders = new Set(["accept", "if-none-match", "if-modified-since"]);
const lengthsOfNames = new Set([...unusualHeaders, ...usualHeaders].map(({ length }) => length));

export class PictureFront {
  /** Answers from memory, by their status. */
  readonly totals = { 200: 0, 304: 0 };

  readonly #failures = new WeakMap<IncomingMessage, { error: unknown }>();

  constructor(readonly options: PictureFrontOptions) {}

  /** @throws what has failed already, for a request that went on for that reason: nothing is tried or counted twice */
  rethrowFailure(request: IncomingMessage): void {
    const failure = this.#failures.get(request);
    if (failure) throw failure.error;
  }

  /** Answers, or calls `goOn`: also where it fails, as the route knows how errors are answered. */
  handle(request: IncomingMessage, response: ServerResponse, goOn: () => void): void {
    const fail = (error: unknown) => {
      this.#failures.set(request, { error });
      goOn();
    };
    try {
      const { method, url } = request;
      if (method !== "GET" || !url!.startsWith(PATH)) return goOn();
      const headers = readUsualHeaders(request.rawHeaders);
      const picture = headers && this.#findKnown(url!, headers);
      if (!picture) return goOn();
      const unchanged = this.options.answers.withoutBytes(headers, picture);
      if (!unchanged && this.options.isRedirecting && !picture.square) return goOn();
      // Making a square is work, of which each client gets a share: the route knows who asks.
      if (!unchanged && picture.square && !this.options.media.peekBytes(picture)) return goOn();
      if (!unchanged) return void this.#answer(request, response, picture).catch(fail);
      this.#send(request, response, unchanged);
      this.totals[304] += 1;
    } catch (error) {
      fail(error);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, picture: Picture): Promise<void> {
    const { answers, media, views } = this.options;
    const hot = media.peekBytes(picture);
    if (!hot) return this.#answerCold(request, response, picture);
    const answer = answers.withBytes({}, picture, hot);
    await views.count(picture.media.id);
    this.#send(request, response, answer);
    this.totals[200] += 1;
  }

  async #answerCold(request: IncomingMessage, response: ServerResponse, picture: Picture): Promise<void> {
    const { media, views, answers, observe } = this.options;
    const startedAtMs = performance.now();
    // An answer that waits for another one on its connection is never told when that has gone.
    const isNext = response.socket !== null;
    const lent = isNext
      ? await media.lendBytes(picture)
      : { bytes: await media.readStored(picture), giveBack() {} };
    giveBackOnceSent(lent, response);
    const answer = answers.withBytes({}, picture, lent.bytes);
    await views.count(picture.media.id);
    this.#send(request, response, answer);
    observe(answer.status, (performance.now() - startedAtMs) / 1000);
  }

  #findKnown(url: string, headers: IncomingHttpHeaders): Picture | undefined {
    const queryAt = PATH.length + ID_LENGTH;
    const rendition = recallRendition(url.slice(queryAt), headers.accept);
    return rendition && this.options.media.peekPicture(url.slice(PATH.length, queryAt), rendition);
  }

  #send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: PictureAnswer): void {
    response.writeHead(status, headers as string[]).end(body);
    const { log } = this.options;
    if (log.level === "debug" || log.level === "trace") {
      log.debug({ method: request.method, path: request.url!.split("?", 1)[0], status }, "request");
    }
  }
}

/** Once it has finished, the operating system has all of it. Where the connection ends before, nobody can say. */
function giveBackOnceSent({ giveBack }: LentBytes, response: ServerResponse): void {
  if (response.destroyed) return giveBack(true); // Its end has been told already, and nothing is sent.
  response.once("finish", () => giveBack(!response.destroyed));
  response.once("close", () => giveBack(false));
}

/**
 * Of a request's headers those that matter here; undefined when there are others that do. Node makes an object of all
 * headers only when somebody asks for it.
 */
function readUsualHeaders(rawHeaders: readonly string[]): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!lengthsOfNames.has(rawHeaders[at]!.length)) continue;
    const name = rawHeaders[at]!.toLowerCase();
    if (unusualHeaders.has(name) || headers[name] !== undefined) return undefined;
    if (usualHeaders.has(name)) headers[name] = rawHeaders[at + 1]!;
  }
  return headers;
}
