// Answers every GET and HEAD of a picture directly on Node's server, because the hooks of the web framework would cost
// more than an answer from memory. Finds pictures, evaluates conditions, reads bytes, counts views and renders errors.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

import type { FastifyBaseLogger } from "fastify";

import { parseId } from "../domain/ids.ts";
import { networkOf } from "../domain/network.ts";
import { MEDIA_PREFIX, MEDIA_ROUTE } from "../domain/paths.ts";
import { hasBody } from "../http/request-body.ts";
import { nextRequestId } from "../http/request-id.ts";
import { UnsentBytes } from "../http/unsent-bytes.ts";
import type { LentBytes, MediaService } from "../services/media-service.ts";
import type { Picture } from "../services/picture.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import { inlineDisposition } from "./content-disposition.ts";
import { renderError } from "./error-body.ts";
import { harmlessAsPage, openToAll, type PictureAnswer, type PictureAnswers } from "./picture-answer.ts";
import { readPictureHeaders } from "./picture-headers.ts";
import { parseSearch, readRendition, recallRendition } from "./picture-query.ts";

export interface PictureLaneOptions {
  media: MediaService;
  views: ViewCounter;
  answers: PictureAnswers;
  /** True when clients are redirected to the bucket for objects that they can fetch there. */
  isRedirecting: boolean;
  log: FastifyBaseLogger;
  clientAddressOf: (request: IncomingMessage) => string;
  /** Called for each answer that did not come from memory. */
  observe: (request: { method: string; route: string; status: number }, seconds: number) => void;
}

/** The id as it stands in the path, and the rest of the URL from its "?" on. */
interface Target {
  mediaId: string;
  search: string;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  headers: IncomingHttpHeaders;
  target: Target;
  id: string;
  startedAtMs: number;
  isFromMemory: boolean;
}

export class PictureLane {
  /** Answers from memory, by their status. */
  readonly totals = { 200: 0, 304: 0 };

  readonly #unsent = new UnsentBytes();

  constructor(readonly options: PictureLaneOptions) {}

  /** Answers a GET or HEAD of a picture. @returns false for every other request, which it leaves alone */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url } = request;
    const target = method === "GET" || method === "HEAD" ? readTarget(url!) : null;
    if (!target) return false;
    void this.#answer({
      request,
      response,
      headers: readPictureHeaders(request),
      target,
      id: nextRequestId(),
      startedAtMs: performance.now(),
      isFromMemory: true,
    });
    return true;
  }

  async #answer(exchange: Exchange): Promise<void> {
    try {
      const picture = this.#recallPicture(exchange) ?? (await this.#findPicture(exchange));
      const answer =
        this.options.answers.withoutBytes(exchange.headers, picture) ??
        (await this.#answerWithBytes(exchange, picture));
      // Counted before it is sent, so that every view that a client has seen is in the journal.
      if (answer.isView) await this.options.views.count(picture.media.id);
      this.#send(exchange, answer);
    } catch (error) {
      this.#sendError(exchange, error);
    }
  }

  /** Returns the picture if its record and its parsed query are in memory. */
  #recallPicture({ target: { mediaId, search }, headers }: Exchange): Picture | undefined {
    const rendition = recallRendition(search, headers.accept);
    return rendition && this.options.media.peekPicture(mediaId, rendition);
  }

  /** @throws BAD_USER_INPUT, MEDIA_NOT_FOUND, DATABASE_UNAVAILABLE */
  #findPicture(exchange: Exchange): Promise<Picture> {
    exchange.isFromMemory = false;
    const { mediaId, search } = exchange.target;
    const rendition = readRendition(parseSearch(search), exchange.headers.accept);
    return this.options.media.getPicture(parseId(mediaId, "media"), rendition);
  }

  /** @throws as `MediaService.readBytes` */
  async #answerWithBytes(exchange: Exchange, picture: Picture): Promise<PictureAnswer> {
    const { answers, media, isRedirecting } = this.options;
    const { request, headers } = exchange;
    const isHead = request.method === "HEAD";
    // A signature is valid for GET only.
    const redirect =
      isRedirecting && !isHead && !picture.square ? await this.#redirect(exchange, picture) : null;
    if (redirect) return redirect;
    const inMemory = media.peekBytes(picture);
    if (inMemory && !isHead) return answers.withBytes(headers, picture, inMemory);
    exchange.isFromMemory = false;
    if (isHead) return answers.ofSize(picture, await media.getSizeBytes(picture, this.#clientOf(request)));
    return answers.withBytes(headers, picture, await this.#readBytes(exchange, picture));
  }

  async #redirect(exchange: Exchange, picture: Picture): Promise<PictureAnswer | null> {
    const { filename, extension } = picture;
    const location = await this.options.media.sign(picture, inlineDisposition(filename, extension));
    if (location === null) return null;
    exchange.isFromMemory = false;
    return this.options.answers.elsewhere(exchange.headers, picture, location);
  }

  async #readBytes({ request, response, headers }: Exchange, picture: Picture): Promise<Buffer> {
    const { media } = this.options;
    if (picture.square || headers.range !== undefined)
      return media.readBytes(picture, this.#clientOf(request));
    const lent = await media.lendBytes(picture);
    giveBackOnceSent(lent, response);
    return lent.bytes;
  }

  /** Returns the client's network: networks take turns when squares have to be made. */
  #clientOf(request: IncomingMessage): string {
    return networkOf(this.options.clientAddressOf(request));
  }

  #send(exchange: Exchange, { status, headers, body }: PictureAnswer): void {
    const { response, id, isFromMemory } = exchange;
    // The body of a GET stays unread. Closing the connection saves Node from reading and discarding it.
    if (hasBody(exchange.headers)) response.setHeader("connection", "close");
    response.writeHead(status, headers.concat("x-request-id", id)).end(body);
    if (body) this.#unsent.add(response, body);
    if (isFromMemory && (status === 200 || status === 304)) this.totals[status] += 1;
    this.#log(exchange, status);
  }

  #sendError(exchange: Exchange, error: unknown): void {
    exchange.isFromMemory = false;
    if (exchange.response.headersSent) return void exchange.response.destroy(error as Error);
    const { status, headers, body } = renderError(
      error,
      exchange.id,
      this.options.log.child({ requestId: exchange.id }),
    );
    const sent = Object.entries({ ...headers, ...openToAll, ...harmlessAsPage }).flat();
    this.#send(exchange, { status, headers: sent, body, isView: false });
  }

  /** Logs the path without the query string, which may contain private data. */
  #log({ request, id, startedAtMs, isFromMemory }: Exchange, status: number): void {
    const { log, observe } = this.options;
    if (isFromMemory && log.level !== "debug" && log.level !== "trace") return;
    const level = isFromMemory ? "debug" : "info";
    const durationMs = performance.now() - startedAtMs;
    const path = request.url!.split("?", 1)[0];
    const method = request.method!;
    log[level]({ requestId: id, method, path, status, durationMs: Math.round(durationMs) }, "request");
    if (!isFromMemory) observe({ method, route: MEDIA_ROUTE, status }, durationMs / 1000);
  }
}

/** Reads the URL of a picture: one path segment after the prefix, whether it is an id or not. Null for other URLs. */
function readTarget(url: string): Target | null {
  if (!url.startsWith(MEDIA_PREFIX)) return null;
  const queryAt = url.indexOf("?", MEDIA_PREFIX.length);
  const end = queryAt === -1 ? url.length : queryAt;
  const mediaId = url.slice(MEDIA_PREFIX.length, end);
  return mediaId === "" || mediaId.includes("/") ? null : { mediaId, search: url.slice(end) };
}

/** After "finish" the operating system has all bytes. If the connection closes before, they may still be in use. */
function giveBackOnceSent({ giveBack }: LentBytes, response: ServerResponse): void {
  if (response.destroyed) return giveBack(true); // The connection has closed, so nothing is sent.
  response.once("finish", () => giveBack(!response.destroyed));
  response.once("close", () => giveBack(false));
}
