// Creates the parser of multipart forms for GraphQL and REST. Source: RFC 7578.
import type { IncomingMessage } from "node:http";

import busboy from "busboy";

import { AppError } from "../errors.ts";

/**
 * Creates a parser for the form that the request contains. A part with the content type of an image is a file, also
 * without a file name: React Native sends pictures from the camera in this way.
 *
 * @throws BAD_USER_INPUT when the Content-Type header has no valid boundary
 */
export function createFormParser({ headers }: IncomingMessage, limits: busboy.Limits): busboy.Busboy {
  try {
    const parser = busboy({ headers, limits, defParamCharset: "utf8" });
    adaptParts(parser, markPictureAsFile);
    return parser;
  } catch (cause) {
    const message =
      "The Content-Type header has no valid boundary. Do not set this header: the HTTP client sets it for a form.";
    throw new AppError("BAD_USER_INPUT", message, { cause });
  }
}

/** The headers of one part by their names in lower case, as busboy stores them. */
type PartHeaders = Record<string, [string, ...string[]] | undefined>;

/** The part of busboy's parser for headers that `adaptParts` replaces. */
interface HeaderParser {
  cb: (headers: PartHeaders) => void;
}

/**
 * Calls `adapt` with the headers of each part before busboy decides whether the part is a file. busboy has no option for
 * this decision, so the function intercepts the private property through which busboy starts to read headers.
 */
function adaptParts(parser: busboy.Busboy, adapt: (headers: PartHeaders) => void): void {
  const adapted = new WeakSet<HeaderParser>();
  let current: HeaderParser | null = null;
  Object.defineProperty(parser, "_hparser", {
    get: () => current,
    set(next: HeaderParser | null) {
      current = next;
      if (!next || adapted.has(next)) return;
      adapted.add(next);
      const { cb: decide } = next;
      next.cb = (headers) => {
        adapt(headers);
        decide(headers);
      };
    },
  });
}

/** The content type of a part that busboy takes for a file whatever its name. The service ignores the declared type. */
const OPAQUE = "application/octet-stream";

function markPictureAsFile(headers: PartHeaders): void {
  if (/^image\//i.test(headers["content-type"]?.[0] ?? "")) headers["content-type"] = [OPAQUE];
}
