// The bytes of a picture, for `<img>` tags: cheap answers first, and counting never delays them. Registered by
// `plugin.ts`; calls `services/media-service.ts` and `services/view-counter.ts`.
import type { FastifyInstance, FastifyReply } from "fastify";

import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { MediaService, Picture, PictureVariant } from "../services/media-service.ts";
import type { ViewCounter } from "../services/view-counter.ts";
import { evaluateConditions, parseRange } from "./conditional.ts";
import { inlineDisposition } from "./content-disposition.ts";

export interface MediaRouteOptions {
  media: MediaService;
  views: ViewCounter;
  maxAgeSeconds: number;
}

interface MediaRequest {
  Params: { mediaId: string };
  Querystring: { thumbnail?: unknown };
}

export function registerMediaRoute(
  app: FastifyInstance,
  { media, views, maxAgeSeconds }: MediaRouteOptions,
): void {
  app.route<MediaRequest>({
    method: ["GET", "HEAD"],
    url: "/media/:mediaId",
    exposeHeadRoute: false,
    async handler(request, reply) {
      const variant = readVariant(request.query.thumbnail);
      const picture = await media.getPicture(parseId(request.params.mediaId, "media"), variant);
      const verdict = evaluateConditions(request.headers, picture);
      if (verdict === "failed") return reply.code(412).header("cache-control", "no-store").send();
      setCachingHeaders(reply, picture, maxAgeSeconds);
      if (verdict === "unchanged") return reply.code(304).send();
      setContentHeaders(reply, picture);
      if (request.method === "HEAD") {
        return reply.header("content-length", await media.getSizeBytes(picture)).send();
      }
      const bytes = await media.readBytes(picture); // Fails before a view is counted.
      const range = parseRange(request.headers, picture, bytes.length);
      if (range === "unsatisfiable") return sendUnsatisfiable(reply, bytes.length);
      if (range === null || range.start === 0) views.count(picture.mediaId);
      if (range === null) return reply.send(bytes);
      return reply
        .code(206)
        .header("content-range", `bytes ${range.start}-${range.end}/${bytes.length}`)
        .send(bytes.subarray(range.start, range.end + 1));
    },
  });
}

/** @throws BAD_USER_INPUT for anything but true, false or nothing */
function readVariant(thumbnail: unknown): PictureVariant {
  if (thumbnail === undefined || thumbnail === "false") return "original";
  if (thumbnail === "true") return "thumbnail";
  throw new AppError("BAD_USER_INPUT", "The parameter thumbnail is true or false.", {
    allowed: ["true", "false"],
  });
}

function setCachingHeaders(
  reply: FastifyReply,
  { etag, lastModified }: Picture,
  maxAgeSeconds: number,
): void {
  reply.headers({
    "cache-control": maxAgeSeconds > 0 ? `public, max-age=${maxAgeSeconds}` : "public, no-cache",
    etag,
    "last-modified": lastModified.toUTCString(),
    // Everybody may show and read a picture: it is public, and no answer depends on who asks.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
  reply.removeHeader("vary").removeHeader("access-control-allow-credentials");
}

function setContentHeaders(reply: FastifyReply, { contentType, filename, extension }: Picture): void {
  reply.headers({
    "accept-ranges": "bytes",
    "content-disposition": inlineDisposition(filename, extension),
    // Whoever opens the picture as a page gets a page that can do nothing.
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": contentType,
  });
}

function sendUnsatisfiable(reply: FastifyReply, sizeBytes: number): FastifyReply {
  const error = new AppError("BAD_USER_INPUT", `The picture has ${sizeBytes} bytes.`, {
    status: 416,
    limit: sizeBytes,
  });
  reply.removeHeader("content-disposition").removeHeader("etag").removeHeader("last-modified");
  reply.header("content-range", `bytes */${sizeBytes}`);
  throw error;
}
