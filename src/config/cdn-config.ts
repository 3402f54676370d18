// Reads how the service purges pictures from the CDN.
import type { EnvironmentReader } from "./environment.ts";

/** The request that makes a CDN forget every response with a given cache tag. */
export interface PurgeConfig {
  /** `{key}` stands for the tag, here or in `body`. */
  url: string;
  method: (typeof methods)[number];
  /** Name and value of the header that authorises the request. */
  header: readonly [string, string] | null;
  /** JSON text. Null sends no body. */
  body: string | null;
}

const methods = ["PURGE", "BAN", "POST", "PUT", "DELETE"] as const;

const KEY = "{key}";

/** Headers that the HTTP client sets itself. */
const ofConnection = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** Replaces each `{key}` in the URL or the body of a purge with the tag. */
export function withTag(template: string, tag: string): string {
  return template.replaceAll(KEY, tag);
}

export function readPurge(read: EnvironmentReader): PurgeConfig | null {
  const url = read.url("CDN_PURGE_URL", ["http:", "https:"]);
  const method = read.choice("CDN_PURGE_METHOD", methods, "PURGE");
  const [header, body] = [readHeader(read), readBody(read)];
  if (!url) {
    for (const name of ["CDN_PURGE_METHOD", "CDN_PURGE_HEADER", "CDN_PURGE_BODY"]) {
      if (read.text(name))
        read.addProblem(
          `${name} has no effect without CDN_PURGE_URL. Set CDN_PURGE_URL too, or remove this variable.`,
        );
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
    read.addProblem(
      `CDN_PURGE_BODY, or the path or query of CDN_PURGE_URL, must contain ${KEY} in place of the tag to purge.`,
    );
  }
}

function readHeader(read: EnvironmentReader): PurgeConfig["header"] {
  const text = read.text("CDN_PURGE_HEADER");
  if (text === undefined) return null;
  const [, name = "", value = ""] = /^([^:]+):\s*(.+)$/.exec(text) ?? [];
  try {
    if (ofConnection.has(name.toLowerCase())) throw new Error("set by the HTTP client");
    new Headers([[name, value]]);
  } catch {
    read.addProblem('CDN_PURGE_HEADER must be a header such as "Authorization: Bearer …".');
  }
  return [name, value];
}

function readBody(read: EnvironmentReader): string | null {
  const text = read.text("CDN_PURGE_BODY");
  if (text === undefined) return null;
  try {
    JSON.parse(text);
    if (!text.includes(KEY)) throw new Error("no place for the tag");
  } catch {
    read.addProblem(`CDN_PURGE_BODY must be JSON with ${KEY} in it, such as {"tags":["${KEY}"]}.`);
  }
  return text;
}
