// Validates the target of a request and its `Host` header. Used by `server.ts`. Source: RFC 9112, section 3.2.
import type { IncomingMessage } from "node:http";

/** A name or an address in brackets, and a port; nothing at all is allowed as well. Source: RFC 3986, section 3.2.2. */
const hostPattern = /^(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*(?::\d*)?$|^\[[0-9a-f:.]+\](?::\d*)?$/i;

/** Nearly all requests have the same one. */
let lastValidHost = "";

/** Says why a request's target or its `Host` is not valid; null for a valid one. */
export function faultOfTarget({ url, method, rawHeaders }: IncomingMessage): string | null {
  if (url === "*" && method !== "OPTIONS") return 'Only OPTIONS takes "*" for an address.';
  let hostCount = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    const host = rawHeaders[at + 1]!;
    hostCount += 1;
    if (host === lastValidHost) continue;
    if (!hostPattern.test(host)) return "The Host header is not valid.";
    lastValidHost = host;
  }
  return hostCount > 1 ? "The request has more than one Host header." : null;
}
