// Answers every GET and HEAD of a picture directly on Node's server, because the hooks of the web framework would cost
// more than an answer from memory. Sends and logs the answers of the responders, and renders errors.
import type { IncomingMessage, ServerResponse } from "node:http";

import type { FastifyBaseLogger } from "fastify";

import { MEDIA_ROUTE } from "../domain/paths.ts";
import { hasBody } from "../http/request-body.ts";
import { nextRequestId } from "../http/request-id.ts";
import { UnsentBytes } from "../http/unsent-bytes.ts";
import type { CurrentPictureResponder } from "./current-picture-responder.ts";
import { renderError } from "./error-body.ts";
import type { MediaResponder } from "./media-responder.ts";
import { flatten, harmlessAsPage, openToAll, withRequestId, type PictureAnswer } from "./picture-answer.ts";
import { readTarget, type PictureExchange } from "./picture-exchange.ts";
import { readPictureHeaders } from "./picture-headers.ts";

export interface PictureLaneOptions {
  media: MediaResponder;
  currentPictures: CurrentPictureResponder;
  log: FastifyBaseLogger;
  /** Called for each answer that did not come from memory. */
  observe: (request: { method: string; route: string; status: number }, seconds: number) => void;
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

  async #answer(exchange: PictureExchange): Promise<void> {
    const { media, currentPictures } = this.options;
    try {
      const responder = exchange.target.route === MEDIA_ROUTE ? media : currentPictures;
      this.#send(exchange, await responder.answer(exchange));
    } catch (error) {
      this.#sendError(exchange, error);
    }
  }

  #send(exchange: PictureExchange, { status, headers, body }: PictureAnswer): void {
    const { response, id, isFromMemory } = exchange;
    // The body of a GET stays unread. Closing the connection saves Node from reading and discarding it.
    if (hasBody(exchange.headers)) response.setHeader("connection", "close");
    response.writeHead(status, withRequestId(headers, id)).end(body); // Reads the headers at once.
    if (body) this.#unsent.add(response, body);
    if (isFromMemory && (status === 200 || status === 304)) this.totals[status] += 1;
    this.#log(exchange, status);
  }

  #sendError(exchange: PictureExchange, error: unknown): void {
    exchange.isFromMemory = false;
    if (exchange.response.headersSent) return void exchange.response.destroy(error as Error);
    const { status, headers, body } = renderError(
      error,
      exchange.id,
      this.options.log.child({ requestId: exchange.id }),
    );
    const sent = flatten({ ...headers, ...openToAll, ...harmlessAsPage });
    this.#send(exchange, { status, headers: sent, body, isView: false });
  }

  /** Logs the path without the query string, which may contain private data. */
  #log({ request, target, id, startedAtMs, isFromMemory }: PictureExchange, status: number): void {
    const { log, observe } = this.options;
    if (isFromMemory && log.level !== "debug" && log.level !== "trace") return;
    const level = isFromMemory ? "debug" : "info";
    const durationMs = performance.now() - startedAtMs;
    const path = request.url!.split("?", 1)[0];
    const method = request.method!;
    log[level]({ requestId: id, method, path, status, durationMs: Math.round(durationMs) }, "request");
    if (!isFromMemory) observe({ method, route: target.route, status }, durationMs / 1000);
  }
}
