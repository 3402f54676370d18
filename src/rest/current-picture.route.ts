// Serves a user's current picture at a URL that never changes: redirects to the picture, or draws the user's initials.
import { createHash } from "node:crypto";

import type { FastifyInstance, FastifyReply } from "fastify";

import { cacheTagHeaders, userTag } from "../domain/cache-tags.ts";
import { parseId } from "../domain/ids.ts";
import { networkOf } from "../domain/network.ts";
import { PROFILE_PICTURE_ROUTE } from "../domain/paths.ts";
import { AppError } from "../errors.ts";
import type { CurrentPictures } from "../services/current-pictures.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import { evaluateConditions } from "./conditional.ts";
import { readFormat, readSize } from "./picture-query.ts";

export interface CurrentPictureRouteOptions {
  currentPictures: CurrentPictures;
  urls: MediaUrls;
  /** True when a CDN is configured: responses have a cache tag for the user. */
  sendsCacheTags: boolean;
}

interface CurrentPictureRequest {
  Params: { userId: string };
  Querystring: { size?: unknown; format?: unknown };
}

/** How long clients may show the previous picture after a change. */
const MAX_AGE_SECONDS = 60;
const DEFAULT_SIZE_PX = 150;

export function registerCurrentPictureRoute(
  app: FastifyInstance,
  { currentPictures, urls, sendsCacheTags }: CurrentPictureRouteOptions,
): void {
  app.route<CurrentPictureRequest>({
    method: ["GET", "HEAD"],
    url: PROFILE_PICTURE_ROUTE,
    exposeHeadRoute: false,
    async handler({ params, query, headers, method, ip }, reply) {
      const sizePx = readSize(query.size) ?? DEFAULT_SIZE_PX;
      const format = query.format === "svg" ? null : readFormat(query.format, ["svg"]);
      const { user, mediaId } = await currentPictures.find(parseId(params.userId, "user"));
      setHeaders(reply);
      if (sendsCacheTags) reply.headers(cacheTagHeaders([userTag(user.id)]));
      if (mediaId) return reply.redirect(urls.square(mediaId, sizePx, format), 302);
      const { contentType, bytes } = await currentPictures.drawDefault(
        user,
        sizePx,
        format ?? "svg",
        networkOf(ip),
      );
      const etag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
      reply.headers({ etag, "content-type": contentType, "content-disposition": "inline" });
      const verdict = evaluateConditions(headers, { etag, lastModified: null });
      if (verdict === "failed")
        throw new AppError("BAD_USER_INPUT", "The picture does not match the If-Match header.", {
          status: 412,
        });
      if (verdict === "unchanged") return reply.code(304).send();
      return method === "HEAD" ? reply.header("content-length", bytes.length).send() : reply.send(bytes);
    },
  });
}

/** As for pictures: every origin may show the answer, and a browser that opens it as a page runs nothing in it. */
function setHeaders(reply: FastifyReply): void {
  reply.removeHeader("vary").removeHeader("access-control-allow-credentials");
  reply.headers({
    "cache-control": `public, max-age=${MAX_AGE_SECONDS}`,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
}
