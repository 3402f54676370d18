// Builds the responses that show a user's initials in place of a picture.
import type { IncomingHttpHeaders } from "node:http";

import type { DefaultPicture } from "../services/current-pictures.ts";
import { evaluateConditions } from "./conditional.ts";
import { failed, flatten, harmlessAsPage, openToAll, type PictureAnswer } from "./picture-answer.ts";

export interface InitialsOptions {
  isHead: boolean;
  maxAgeSeconds: number;
  /** The headers with the cache tag of the user. */
  tags: Record<string, string>;
}

/** Never a view. Ranges are ignored, because initials are small. */
export function answerWithInitials(
  request: IncomingHttpHeaders,
  { contentType, bytes, etag }: DefaultPicture,
  { isHead, maxAgeSeconds, tags }: InitialsOptions,
): PictureAnswer {
  const verdict = evaluateConditions(request, { etag, lastModified: null });
  if (verdict === "failed") return failed;
  const unchanged = {
    "cache-control": `public, max-age=${maxAgeSeconds}`,
    etag,
    ...openToAll,
    ...tags,
  };
  if (verdict === "unchanged") return { status: 304, headers: flatten(unchanged), isView: false };
  const headers = flatten({
    ...unchanged,
    ...harmlessAsPage,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "content-disposition": "inline",
    "content-type": contentType,
    "content-length": String(bytes.length),
  });
  return { status: 200, headers, ...(!isHead && { body: bytes }), isView: false };
}
