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

/** As Amazon and others name them. */
const regionPattern = /^[a-z0-9-]+$/i;

/** No name of a file or an object has them. */
// oxlint-disable-next-line no-control-regex
const controlPattern = /[\0-\x1f\x7f]/;

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
  if (storageFallback && isSameStorage(storageFallback, storage)) {
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

/** Where a region says nothing of what is in a bucket. */
export function isSameStorage(a: StorageConfig, b: StorageConfig): boolean {
  const withoutRegion = (config: StorageConfig) => JSON.stringify({ ...config, region: null });
  return withoutRegion(a) === withoutRegion(b);
}

/** @returns null for what is no address of a storage. The SDKs look for credentials themselves: none may stand here. */
export function parseStorageUrl(text: string): StorageConfig | null {
  try {
    const isWhole = /^(file|s3|gs):\/\//i.test(text); // What is relative would be read as if it were not.
    return isWhole ? readAddress(new URL(text)) : null;
  } catch {
    return null; // No URL, or with a per cent sign that stands for nothing.
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

/** For people. */
export function describeStorage(config: StorageConfig): string {
  if (config.kind === "local") return config.rootDir;
  return `${config.kind === "s3" ? "s3" : "gs"}://${config.bucket}/${config.prefix}`;
}

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === "" && password === "";
}
