// Reads where the bytes of pictures are stored.
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { EnvironmentReader } from "./environment.ts";

export type StorageConfig = { kind: "local"; rootDir: string } | BucketConfig;

export interface BucketConfig {
  kind: "s3" | "gcs";
  bucket: string;
  /** The start of every key in the bucket: "", or a path with a trailing slash. */
  prefix: string;
  /** The bucket's region; null if the SDK finds it by itself. */
  region: string | null;
  /** Base URL of a server other than Amazon's or Google's; null for theirs. */
  endpoint: string | null;
}

const EXAMPLES =
  "file:///var/lib/letsapp/pictures, s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example or gs://bucket";

/** Bucket names that Amazon or Google allows. */
const bucketPattern = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;

/** Region names of Amazon and of compatible services. */
const regionPattern = /^[a-z0-9-]+$/i;

/** Control characters. The name of a file or an object cannot contain them. */
// oxlint-disable-next-line no-control-regex
const controlPattern = /[\0-\x1f\x7f]/;

/** Query parameters that the URL of a bucket may have. */
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
  if (storageFallback && isSameStorage(storageFallback, storage)) {
    read.addProblem(
      "STORAGE_FALLBACK_URL must differ from STORAGE_URL. Set it to the storage that pictures move from, or remove it.",
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
  if (!config) read.addProblem(`${name} must be like ${EXAMPLES}, without credentials.`);
  return config;
}

/** Ignores the region, because buckets with the same name and endpoint have the same content. */
export function isSameStorage(a: StorageConfig, b: StorageConfig): boolean {
  const withoutRegion = (config: StorageConfig) => JSON.stringify({ ...config, region: null });
  return withoutRegion(a) === withoutRegion(b);
}

/**
 * Parses the address of a storage.
 *
 * @returns null if the text is not such an address, or contains credentials: the SDKs find those themselves
 */
export function parseStorageUrl(text: string): StorageConfig | null {
  try {
    const isWhole = /^(file|s3|gs):\/\//i.test(text); // `new URL` would read file:pictures as file:///pictures.
    return isWhole ? readAddress(new URL(text)) : null;
  } catch {
    return null; // Not a URL, or one with invalid percent-encoding.
  }
}

function readAddress(url: URL): StorageConfig | null {
  if (url.username || url.password || url.port || url.hash) return null;
  if (url.protocol === "file:") return url.host || url.search ? null : toLocal(url);
  const kind = url.protocol === "s3:" ? "s3" : url.protocol === "gs:" ? "gcs" : null;
  if (!kind || !bucketPattern.test(url.hostname)) return null;
  const names = [...url.searchParams.keys()];
  if (names.some((name, i) => !parameters[kind].includes(name) || names.indexOf(name) !== i)) return null;
  const { endpoint = null, region = null } = Object.fromEntries(url.searchParams);
  if (endpoint !== null && !isWebAddress(endpoint)) return null;
  if (region !== null && !regionPattern.test(region)) return null;
  const folder = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, "");
  if (controlPattern.test(folder)) return null;
  return {
    kind,
    bucket: url.hostname,
    prefix: folder === "" ? "" : `${folder}/`,
    region,
    endpoint: endpoint?.replace(/\/+$/, "") ?? null,
  };
}

function toLocal(url: URL): StorageConfig | null {
  const rootDir = path.resolve(fileURLToPath(url));
  return controlPattern.test(rootDir) ? null : { kind: "local", rootDir };
}

/** The place of the pictures, in the form that the operator sees. */
export function describeStorage(config: StorageConfig): string {
  if (config.kind === "local") return config.rootDir;
  return `${config.kind === "s3" ? "s3" : "gs"}://${config.bucket}/${config.prefix}`;
}

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === "" && password === "";
}
