// The bytes of a picture, for `<img>` tags: cheap answers first, and counting never delays them. Registered by
// `plugin.ts`; calls `services/media-service.ts` and `services/view-counter.ts`.
import type { FastifyInstance, FastifyReply } from "fastify";

import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { MediaService, Picture, PictureVariant } from "../services/media-service.ts";
import type { ViewCounter } from "../views/view-counter.ts";
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
      if (verdict === "unchanged") {
        setCachingHeaders(reply, picture, maxAgeSeconds);
        return reply.code(304).send();
      }
      if (request.method === "HEAD") {
        const sizeBytes = await media.getSizeBytes(picture);
        setContentHeaders(reply, picture, maxAgeSeconds);
        return reply.header("content-length", sizeBytes).send();
      }
      const bytes = await media.readBytes(picture); // Fails before a view is counted, or a header set.
      const range = parseRange(request.headers, picture, bytes.length);
      if (range === "unsatisfiable") {
        reply.header("content-range", `bytes */${bytes.length}`);
        throw new AppError("BAD_USER_INPUT", `The picture has ${bytes.length} bytes.`, {
          status: 416,
          limit: bytes.length,
        });
      }
      setContentHeaders(reply, picture, maxAgeSeconds);
      if (range === null || range.start === 0) await views.count(picture.mediaId);
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

/** Headers of every answer about a picture: a cache takes those of a 304 for those of the stored picture. */
function setCachingHeaders(
  reply: FastifyReply,
  { etag, lastModified, filename, extension }: Picture,
  maxAgeSeconds: number,
): void {
  reply.headers({
    "cache-control": maxAgeSeconds > 0 ? `public, max-age=${maxAgeSeconds}` : "public, no-cache",
    "content-disposition": inlineDisposition(filename, extension),
    // Whoever opens the picture as a page gets a page that can do nothing.
    "content-security-policy": "default-src 'none'; sandbox",
    etag,
    "last-modified": lastModified.toUTCString(),
    // Everybody may show and read a picture: it is public, and no answer depends on who asks.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
  reply.removeHeader("vary").removeHeader("access-control-allow-credentials");
}

function setContentHeaders(reply: FastifyReply, picture: Picture, maxAgeSeconds: number): void {
  setCachingHeaders(reply, picture, maxAgeSeconds);
  reply.headers({ "accept-ranges": "bytes", "content-type": picture.contentType });
}
