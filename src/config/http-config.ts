// Reads the address of the HTTP server, its public URLs, and the origins and proxies that it trusts.
import { isIP } from "node:net";

import type { EnvironmentReader } from "./environment.ts";

export interface HttpConfig {
  host: string;
  port: number;
  /** Base URL of the service for clients, without a trailing slash; null for the address it listens on. */
  publicUrl: string | null;
  /** Base URL of pictures, without a trailing slash; null if clients fetch them from the service. */
  cdnUrl: string | null;
  /** Origins whose pages may call the API. Pages of any origin may show pictures. */
  corsOrigins: readonly string[] | "*";
  /** Addresses of the proxies whose `X-Forwarded-For` is trusted. */
  trustProxy: false | readonly string[];
}

export function readHttp(read: EnvironmentReader): HttpConfig {
  return {
    host: read.text("HOST") ?? "127.0.0.1",
    port: read.integer("PORT", { fallback: 4000, min: 0, max: 65_535 }),
    publicUrl: readBaseUrl(read, "PUBLIC_URL"),
    cdnUrl: readBaseUrl(read, "CDN_URL"),
    corsOrigins: readCorsOrigins(read),
    trustProxy: readTrustProxy(read),
  };
}

function readBaseUrl(read: EnvironmentReader, name: "PUBLIC_URL" | "CDN_URL"): string | null {
  const url = read.url(name, ["http:", "https:"]);
  if (url && /[?#]/.test(url))
    read.addProblem(`${name} must not contain ? or #: the service appends paths to it.`);
  return url?.replace(/\/+$/, "") ?? null;
}

function readCorsOrigins(read: EnvironmentReader): readonly string[] | "*" {
  const text = read.text("CORS_ORIGINS");
  if (text === undefined) return [];
  if (text === "*") return "*";
  const origins = text.split(",").map((origin) => origin.trim());
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      read.addProblem(`CORS_ORIGINS must be "*" or a list such as https://a.example,https://b.example.`);
      break;
    }
  }
  return origins;
}

function readTrustProxy(read: EnvironmentReader): HttpConfig["trustProxy"] {
  const text = read.text("TRUST_PROXY");
  if (text === undefined || text === "false") return false;
  const addresses = text.split(",").map((address) => address.trim());
  if (!addresses.every(isAddressOrRange)) {
    read.addProblem(
      "TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.",
    );
  }
  return addresses;
}

/** True for values that Fastify accepts: an address, an address with a prefix length, or a range's name. */
function isAddressOrRange(text: string): boolean {
  if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
  const [address = "", prefix = "1", ...rest] = text.split("/");
  const maxPrefix = isIP(address) === 4 ? 32 : 128;
  const isPrefix = /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= maxPrefix;
  return isIP(address) !== 0 && isPrefix && rest.length === 0;
}
