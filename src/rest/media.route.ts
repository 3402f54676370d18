// The bytes of a picture, for `<img>` tags: cheap answers first, and counting never delays them. Registered by
// `plugin.ts`; calls `services/media-service.ts` and `views/view-counter.ts`.
import type { IncomingMessage } from "node:http";

import type { FastifyInstance, FastifyReply } from "fastify";

import { parseId } from "../domain/ids.ts";
import { networkOf } from "../domain/network.ts";
import { AppError } from "../errors.ts";
import type { MediaService } from "../services/media-service.ts";
import type { ViewCounter } from "../views/view-counter.ts";
import { inlineDisposition } from "./content-disposition.ts";
import type { PictureAnswer, PictureAnswers } from "./picture-answer.ts";
import { readRendition, type PictureQuery } from "./picture-query.ts";

export const MEDIA_ROUTE = "/media/:mediaId";

export interface MediaRouteOptions {
  media: MediaService;
  views: ViewCounter;
  answers: PictureAnswers;
  /** Whether clients are sent to where the bytes are, if they can fetch them there. */
  isRedirecting: boolean;
  /** Throws what the front has tried in vain. */
  rethrowFailure: (request: IncomingMessage) => void;
}

interface MediaRequest {
  Params: { mediaId: string };
  Querystring: PictureQuery;
}

export function registerMediaRoute(
  app: FastifyInstance,
  { media, views, answers, isRedirecting, rethrowFailure }: MediaRouteOptions,
): void {
  app.route<MediaRequest>({
    method: ["GET", "HEAD"],
    url: MEDIA_ROUTE,
    exposeHeadRoute: false,
    async handler({ params, query, headers, method, raw, ip }, reply) {
      rethrowFailure(raw);
      const picture = await media.getPicture(
        parseId(params.mediaId, "media"),
        readRendition(query, headers.accept),
      );
      const bytesAreNotNeeded = answers.withoutBytes(headers, picture);
      if (bytesAreNotNeeded) return send(reply, bytesAreNotNeeded);
      // What is signed is signed for GET.
      if (isRedirecting && method === "GET") {
        const location = await media.sign(picture, inlineDisposition(picture.filename, picture.extension));
        const elsewhere = location === null ? null : answers.elsewhere(headers, picture, location);
        if (elsewhere?.isView) await views.count(picture.media.id);
        if (elsewhere) return send(reply, elsewhere);
      }
      if (method === "HEAD")
        return send(reply, answers.ofSize(picture, await media.getSizeBytes(picture, networkOf(ip))));
      const bytes = await media.readBytes(picture, networkOf(ip)); // Fails before a view is counted, or a header set.
      const answer = readRange(() => answers.withBytes(headers, picture, bytes), reply, bytes);
      if (answer.isView) await views.count(picture.media.id);
      return send(reply, answer);
    },
  });
}

function readRange(answer: () => PictureAnswer, reply: FastifyReply, bytes: Buffer): PictureAnswer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof AppError) reply.header("content-range", `bytes */${bytes.length}`);
    throw error;
  }
}

/** What all other answers bear is not for a picture: it is public, no page, and stored by caches. */
function send(reply: FastifyReply, { status, headers, body }: PictureAnswer): FastifyReply {
  for (const name of reply.raw.getHeaderNames()) reply.raw.removeHeader(name);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  for (let at = 0; at < headers.length; at += 2) reply.header(headers[at]!, headers[at + 1]);
  return reply.code(status).send(body);
}
