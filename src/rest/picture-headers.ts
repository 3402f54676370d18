// Reads the request headers that matter for a picture. `request.headers` would make Node build an object of all headers.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

const readNames = new Set([
  "accept",
  "content-length",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "transfer-encoding",
]);
const lengthsOfNames = new Set([...readNames].map(({ length }) => length));

export function readPictureHeaders(request: IncomingMessage): IncomingHttpHeaders {
  const { rawHeaders } = request;
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!lengthsOfNames.has(rawHeaders[at]!.length)) continue;
    const name = rawHeaders[at]!.toLowerCase();
    if (headers[name] !== undefined) return request.headers; // Node knows which repeated headers to join.
    if (readNames.has(name)) headers[name] = rawHeaders[at + 1]!;
  }
  return headers;
}
