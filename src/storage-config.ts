// Where the bytes of pictures live, from the environment. Called by `config.ts`.
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { EnvironmentReader } from "./environment.ts";

export type StorageConfig = { kind: "local"; rootDir: string } | BucketConfig;

export interface BucketConfig {
  kind: "s3" | "gcs";
  bucket: string;
  /** What the keys in the bucket begin with: "", or a path with a slash at its end. */
  prefix: string;
  /** Where the SDK is to look for it, if not where it does by itself. */
  region: string | null;
  /** Of a server that is not Amazon's or Google's own. */
  endpoint: string | null;
}

const EXAMPLES =
  "file:///var/lib/letsapp/pictures, s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example or gs://bucket";

/** Names as Amazon and Google allow them. */
const bucketPattern = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;

/** What may stand behind the question mark. */
const parameters: Record<BucketConfig["kind"], readonly string[]> = {
  s3: ["region", "endpoint"],
  gcs: ["endpoint"],
};

export interface StorageConfigs {
  storage: StorageConfig;
  storageFallback: StorageConfig | null;
}

export function readStorages(read: EnvironmentReader, instanceDir: string): StorageConfigs {
  const rootDir = path.join(instanceDir, "uploads", "profile_pictures");
  const storage = readStorage(read, "STORAGE_URL") ?? { kind: "local", rootDir };
  const storageFallback = readStorage(read, "STORAGE_FALLBACK_URL");
  if (storageFallback && JSON.stringify(storageFallback) === JSON.stringify(storage)) {
    read.problem(
      "STORAGE_FALLBACK_URL must be another storage than STORAGE_URL, from which pictures are moving.",
    );
  }
  return { storage, storageFallback };
}

function readStorage(
  read: EnvironmentReader,
  name: "STORAGE_URL" | "STORAGE_FALLBACK_URL",
): StorageConfig | null {
  const text = read.text(name);
  if (text === undefined) return null;
  const config = parseStorageUrl(text);
  if (!config) read.problem(`${name} must be like ${EXAMPLES}, without credentials.`);
  return config;
}

/** @returns null for what is no address of a storage. The SDKs look for credentials themselves: none may stand here. */
export function parseStorageUrl(text: string): StorageConfig | null {
  try {
    return readAddress(new URL(text));
  } catch {
    return null; // No URL, or with a per cent sign that stands for nothing.
  }
}

function readAddress(url: URL): StorageConfig | null {
  if (url.username || url.password || url.port || url.hash) return null;
  if (url.protocol === "file:") return url.host || url.search ? null : toLocal(url);
  const kind = url.protocol === "s3:" ? "s3" : url.protocol === "gs:" ? "gcs" : null;
  if (!kind || !bucketPattern.test(url.hostname)) return null;
  if ([...url.searchParams.keys()].some((name) => !parameters[kind].includes(name))) return null;
  const endpoint = url.searchParams.get("endpoint");
  if (endpoint !== null && !isWebAddress(endpoint)) return null;
  const folder = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, "");
  return {
    kind,
    bucket: url.hostname,
    prefix: folder === "" ? "" : `${folder}/`,
    region: url.searchParams.get("region"),
    endpoint,
  };
}

function toLocal(url: URL): StorageConfig {
  return { kind: "local", rootDir: fileURLToPath(url) };
}

/** For people. */
export function describeStorage(config: StorageConfig): string {
  if (config.kind === "local") return config.rootDir;
  return `${config.kind === "s3" ? "s3" : "gs"}://${config.bucket}/${config.prefix}`;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}
