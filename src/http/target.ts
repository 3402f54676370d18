// Validates the target of a request and its `Host` header. Source: RFC 9112, section 3.2.
import type { IncomingMessage } from "node:http";

/** A name, or an address in brackets, with an optional port; or an empty value. Source: RFC 3986, section 3.2.2. */
const hostPattern = /^(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*(?::\d*)?$|^\[[0-9a-f:.]+\](?::\d*)?$/i;

/** The last valid `Host`, which is not checked again: nearly all requests have the same one. */
let lastValidHost = "";

/** Returns the reason why the target or the `Host` of a request is not valid; null for a valid request. */
export function faultOfTarget({ url, method, rawHeaders }: IncomingMessage): string | null {
  if (url!.includes("%") && /^[^?]*%(?![0-9a-f]{2})/i.test(url!))
    return "The path has an invalid percent-encoding.";
  if (url === "*" && method !== "OPTIONS") return 'The request target "*" is valid for OPTIONS only.';
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

/**
 * Returns the path and query of a target: without the origin of an absolute target (RFC 9112, section 3.2.2), and with
 * unreserved characters in the path decoded (RFC 3986, section 6.2.2.2).
 */
export function normalTarget(target: string): string {
  if (target.startsWith("/") && !target.includes("%")) return target;
  const relative = target.replace(/^https?:\/\/[^/?#]*\/?/i, "/");
  return relative.replace(/^[^?]*/, (path) => path.replace(/%[2-7][0-9a-f]/gi, decodeUnreserved));
}

function decodeUnreserved(escape: string): string {
  const character = String.fromCharCode(parseInt(escape.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : escape;
}
