// What the cache at the edge is told, from the environment. Called by `config.ts`.
import type { EnvironmentReader } from "./environment.ts";

/** Where a CDN is told to forget what bears a tag. */
export interface PurgeConfig {
  /** With `{key}` where the tag belongs; or it is in the body. */
  url: string;
  method: (typeof methods)[number];
  /** What proves that we may; a name and a value. */
  header: readonly [string, string] | null;
  /** JSON. */
  body: string | null;
}

const methods = ["PURGE", "BAN", "POST", "PUT", "DELETE"] as const;

const KEY = "{key}";

/** Are set by whoever sends. */
const ofConnection = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

export function withTag(template: string, tag: string): string {
  return template.replaceAll(KEY, tag);
}

export function readPurge(read: EnvironmentReader): PurgeConfig | null {
  const url = read.url("CDN_PURGE_URL", ["http:", "https:"]);
  const method = read.choice("CDN_PURGE_METHOD", methods, "PURGE");
  const [header, body] = [readHeader(read), readBody(read)];
  if (!url) {
    for (const name of ["CDN_PURGE_METHOD", "CDN_PURGE_HEADER", "CDN_PURGE_BODY"]) {
      if (read.text(name)) read.problem(`${name} has a meaning only with CDN_PURGE_URL.`);
    }
    return null;
  }
  if (URL.canParse(url)) checkUrl(read, url, body);
  return { url, method, header, body };
}

function checkUrl(read: EnvironmentReader, text: string, body: string | null): void {
  const url = new URL(withTag(text, "media-0"));
  const hasKey = text.includes(KEY) && `${url.pathname}${url.search}`.includes("media-0");
  if (!hasKey && !body) {
    read.problem(`CDN_PURGE_URL, or CDN_PURGE_BODY, must have ${KEY} where the tag to purge belongs.`);
  }
}

function readHeader(read: EnvironmentReader): PurgeConfig["header"] {
  const text = read.text("CDN_PURGE_HEADER");
  if (text === undefined) return null;
  const [, name = "", value = ""] = /^([^:]+):\s*(.+)$/.exec(text) ?? [];
  try {
    if (ofConnection.has(name.toLowerCase())) throw new Error("the connection's own");
    new Headers([[name, value]]);
  } catch {
    read.problem('CDN_PURGE_HEADER must be a header such as "Authorization: Bearer …".');
  }
  return [name, value];
}

function readBody(read: EnvironmentReader): string | null {
  const text = read.text("CDN_PURGE_BODY");
  if (text === undefined) return null;
  try {
    JSON.parse(text);
    if (!text.includes(KEY)) throw new Error("the tag is nowhere");
  } catch {
    read.problem(`CDN_PURGE_BODY must be JSON with ${KEY} in it, such as {"tags":["${KEY}"]}.`);
  }
  return text;
}
