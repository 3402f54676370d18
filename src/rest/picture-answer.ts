// Builds the responses to requests for a known picture: status, headers and bytes.
import type { IncomingHttpHeaders } from "node:http";

import { cacheTagHeaders, mediaTag, userTag } from "../domain/cache-tags.ts";
import { AppError } from "../errors.ts";
import type { Picture } from "../services/picture.ts";
import { evaluateConditions, parseRange } from "./conditional.ts";
import { inlineDisposition } from "./content-disposition.ts";

export interface PictureAnswer {
  status: number;
  /** Made by `flatten`. Answers to several requests share these headers. */
  headers: string[];
  body?: Buffer;
  /** True when the response to a GET contains the first byte of the picture, or redirects to it. */
  isView: boolean;
}

/** Shorter than `SIGNED_SECONDS`: a cached redirect must not lead to an expired URL. */
const MAX_REDIRECT_AGE_SECONDS = 30;

export interface Caching {
  maxAgeSeconds: number;
  staleSeconds: number;
  isImmutable: boolean;
}

/** Pages of every origin may show and read a picture: it is public, and no answer depends on the caller. */
export const openToAll = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, content-disposition",
  "cross-origin-resource-policy": "cross-origin",
};

/** A browser that opens the picture as a page runs nothing in it. */
export const harmlessAsPage = {
  "content-security-policy": "default-src 'none'; sandbox",
  "x-content-type-options": "nosniff",
};

export const failed: PictureAnswer = {
  status: 412,
  headers: flatten({ "cache-control": "no-store", ...openToAll, ...harmlessAsPage }),
  isView: false,
};

/** Builds answers. Builds the most frequent ones once per picture. */
export class PictureAnswers {
  readonly #unchanged = new WeakMap<Picture, PictureAnswer>();
  /** Only headers: whole answers would keep the bytes in memory. */
  readonly #content = new WeakMap<Picture, { sizeBytes: number; headers: string[] }>();
  readonly #cacheControl: string;
  readonly #redirectCacheControl: string;

  /** @param sendsCacheTags true when a CDN is configured: answers then have cache tags for the picture and its owner */
  constructor(
    caching: Caching,
    readonly sendsCacheTags: boolean,
  ) {
    this.#cacheControl = toCacheControl(caching);
    const maxAgeSeconds = Math.min(caching.maxAgeSeconds, MAX_REDIRECT_AGE_SECONDS);
    this.#redirectCacheControl = toCacheControl({ maxAgeSeconds, staleSeconds: 0, isImmutable: false });
  }

  /** Returns the answer 304 or 412; null when bytes have to be sent. */
  withoutBytes(request: IncomingHttpHeaders, picture: Picture): PictureAnswer | null {
    const verdict = evaluateConditions(request, picture);
    if (verdict === "send") return null;
    if (verdict === "failed") return failed;
    let answer = this.#unchanged.get(picture);
    if (!answer) {
      answer = { status: 304, headers: flatten(this.#unchangedHeaders(picture)), isView: false };
      this.#unchanged.set(picture, answer);
    }
    return answer;
  }

  /** Returns the answer to a HEAD request. */
  ofSize(picture: Picture, sizeBytes: number): PictureAnswer {
    return { status: 200, headers: this.#contentHeaders(picture, sizeBytes), isView: false };
  }

  /** Redirects the client to the bytes. A range that does not start at the first byte is not a view. */
  elsewhere(request: IncomingHttpHeaders, picture: Picture, location: string): PictureAnswer {
    const headers = flatten({
      location,
      "cache-control": this.#redirectCacheControl,
      ...openToAll,
      ...this.#tags(picture),
    });
    const isView = request.range === undefined || request.range.startsWith("bytes=0-");
    return { status: 302, headers, isView };
  }

  /** @throws BAD_USER_INPUT with status 416 for a range that does not include a byte of the picture */
  withBytes(request: IncomingHttpHeaders, picture: Picture, body: Buffer): PictureAnswer {
    const range = request.range === undefined ? null : parseRange(request, picture, body.length);
    if (range === null) {
      return { status: 200, headers: this.#contentHeaders(picture, body.length), body, isView: true };
    }
    if (range === "unsatisfiable") {
      throw new AppError(
        "BAD_USER_INPUT",
        `The range is outside of the picture, which has ${body.length} bytes.`,
        {
          status: 416,
          limit: body.length,
        },
      );
    }
    const part = body.subarray(range.start, range.end + 1);
    const contentRange = `bytes ${range.start}-${range.end}/${body.length}`;
    const headers = [...this.#makeContentHeaders(picture, part.length), "content-range", contentRange];
    return { status: 206, headers, body: part, isView: range.start === 0 };
  }

  /** A cache adds these to the headers that it has stored, and keeps the others. Source: RFC 9110, section 15.4.5. */
  #unchangedHeaders(picture: Picture): Record<string, string> {
    return {
      "cache-control": this.#cacheControl,
      etag: picture.etag,
      ...openToAll,
      ...(picture.isNegotiated && { vary: "accept" }),
      ...this.#tags(picture),
    };
  }

  #tags({ media }: Picture): Record<string, string> {
    return this.sendsCacheTags ? cacheTagHeaders([mediaTag(media.id), userTag(media.uploaderId)]) : {};
  }

  #contentHeaders(picture: Picture, sizeBytes: number): string[] {
    const known = this.#content.get(picture);
    if (known?.sizeBytes === sizeBytes) return known.headers;
    const headers = this.#makeContentHeaders(picture, sizeBytes);
    this.#content.set(picture, { sizeBytes, headers });
    return headers;
  }

  #makeContentHeaders(picture: Picture, sizeBytes: number): string[] {
    const { filename, extension, lastModified, contentType } = picture;
    return flatten({
      ...this.#unchangedHeaders(picture),
      ...harmlessAsPage,
      "content-disposition": inlineDisposition(filename, extension),
      ...(lastModified && { "last-modified": lastModified.toUTCString() }),
      "accept-ranges": "bytes",
      "content-type": contentType,
      "content-length": String(sizeBytes),
    });
  }
}

function toCacheControl({ maxAgeSeconds, staleSeconds, isImmutable }: Caching): string {
  if (maxAgeSeconds === 0) return "public, no-cache"; // Browsers then ask before each display.
  const stale = staleSeconds > 0 ? `, stale-while-revalidate=${staleSeconds}` : "";
  return `public, max-age=${maxAgeSeconds}${stale}${isImmutable ? ", immutable" : ""}`;
}

/** Returns names and values in turn, as `writeHead` takes them. The first name is that of the request's id. */
export function flatten(headers: Record<string, string>): string[] {
  return ["x-request-id", "", ...Object.entries(headers).flat()];
}

/** Sets the id in headers from `flatten`. A copy for each request would take a tenth of the time of a 304. */
export function withRequestId(headers: string[], id: string): string[] {
  headers[1] = id;
  return headers;
}
