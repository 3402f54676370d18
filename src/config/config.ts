// Turns the environment into one frozen Config. Each part of the service receives only its own group of it.
import path from "node:path";

import { readAuth, type AuthConfig } from "./auth-config.ts";
import { readPurge, withTag, type PurgeConfig } from "./cdn-config.ts";
import { EnvironmentReader, type Environment } from "./environment.ts";
import { readHttp, type HttpConfig } from "./http-config.ts";
import {
  describeStorage,
  isSameStorage,
  parseStorageUrl,
  readStorages,
  type BucketConfig,
  type StorageConfig,
} from "./storage-config.ts";

const SECOND_MS = 1000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

export type DatabaseConfig = { kind: "embedded"; file: string } | { kind: "mongodb"; uri: string };

export interface LimitsConfig {
  uploadsPerMinute: number;
  signInsPerMinute: number;
}

export interface CleanupConfig {
  retentionMs: number;
}

export interface GraphQLConfig {
  /** True if clients may query the schema. The playground needs it. */
  introspection: boolean;
  /** True if the API is a subgraph of a federated graph. */
  isSubgraph: boolean;
}

/** How browsers and CDNs may cache pictures. */
export interface CachingConfig {
  maxAgeSeconds: number;
  /** How long a cache may show an expired picture while it revalidates it. */
  staleSeconds: number;
  /** True to send `immutable`: browsers do not revalidate a fresh picture, even when the user reloads the page. */
  isImmutable: boolean;
}

export interface MediaConfig {
  caching: CachingConfig;
  /** `proxy`: the service sends originals and thumbnails. `redirect`: clients fetch them from the bucket. */
  delivery: (typeof deliveries)[number];
  /** Maximum total size of the originals, thumbnails and squares that are kept in memory. */
  memoryBytes: number;
  viewJournalDir: string;
  /** Interval at which views are written from the journal to the database. */
  viewFlushMs: number;
  /** Folder of images that the service derives from pictures, and can derive again. */
  renditionDir: string;
  renditionBytes: number;
}

export type { AuthConfig, BucketConfig, HttpConfig, PurgeConfig, StorageConfig };
export { describeStorage, isSameStorage, parseStorageUrl, withTag };

/** Image decoders get these variables for their allocator and their fonts, and none of the service's secrets. */
const decoderVariables = ["LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_CONF", "FONTCONFIG_PATH", "TMPDIR"];

export interface Config {
  http: HttpConfig;
  /** How pictures are purged from the CDN; null if they are not. */
  purge: PurgeConfig | null;
  database: DatabaseConfig;
  auth: AuthConfig;
  storage: StorageConfig;
  /** The storage from which pictures are moving to `storage`; null if none are moving. */
  storageFallback: StorageConfig | null;
  graphql: GraphQLConfig;
  limits: LimitsConfig;
  media: MediaConfig;
  cleanup: CleanupConfig;
  /** The environment of the processes that decode images. */
  decoderEnvironment: Readonly<Record<string, string>>;
  /** Folder of everything that must survive a restart. */
  instanceDir: string;
  logLevel: LogLevel;
}

const deliveries = ["proxy", "redirect"] as const;

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Lists the problems of all environment variables together, with one line for each problem. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
  }
}

/**
 * Turns environment variables into the configuration. An empty variable counts as absent.
 *
 * @throws ConfigError naming every variable that cannot be used; it never quotes a secret
 */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const read = new EnvironmentReader(env, problems);
  const instanceDir = path.resolve(read.text("INSTANCE_DIR") ?? "instance");
  const database = readDatabase(read, instanceDir);
  const storages = readStorages(read, instanceDir);
  const config: Config = {
    http: readHttp(read),
    purge: readPurge(read),
    database,
    auth: readAuth(read, database.kind === "mongodb", instanceDir),
    ...storages,
    graphql: {
      introspection: read.flag("GRAPHQL_INTROSPECTION", true),
      isSubgraph: read.flag("GRAPHQL_SUBGRAPH", false),
    },
    limits: {
      uploadsPerMinute: read.integer("UPLOADS_PER_MINUTE", { fallback: 5, min: 1, max: 1_000_000 }),
      signInsPerMinute: read.integer("SIGN_INS_PER_MINUTE", { fallback: 10, min: 1, max: 1_000_000 }),
    },
    media: {
      caching: readCaching(read),
      delivery: readDelivery(read, storages.storage),
      memoryBytes: read.integer("MEDIA_MEMORY_MB", { fallback: 64, min: 0, max: 1_000_000 }) * 1024 * 1024,
      viewJournalDir: path.join(instanceDir, "views"),
      viewFlushMs: read.integer("VIEW_FLUSH_SECONDS", { fallback: 2, min: 1, max: 60 }) * SECOND_MS,
      renditionDir: path.join(instanceDir, "cache", "renditions"),
      renditionBytes:
        read.integer("MEDIA_CACHE_MB", { fallback: 1024, min: 0, max: 100_000_000 }) * 1024 * 1024,
    },
    cleanup: {
      retentionMs: read.integer("MEDIA_RETENTION_DAYS", { fallback: 30, min: 0, max: 36_500 }) * DAY_MS,
    },
    decoderEnvironment: read.given(decoderVariables),
    instanceDir,
    logLevel: read.choice("LOG_LEVEL", logLevels, "info"),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

function readDatabase(read: EnvironmentReader, instanceDir: string): DatabaseConfig {
  const uri = read.text("MONGODB_URI");
  if (!uri) return { kind: "embedded", file: path.join(instanceDir, "database", "letsapp.sqlite") };
  if (!/^mongodb(\+srv)?:\/\/./.test(uri)) {
    read.addProblem("MONGODB_URI must start with mongodb:// or mongodb+srv://.");
  }
  if (writesUnacknowledged(uri)) {
    read.addProblem("MONGODB_URI must not have w=0: the database would not confirm writes. Remove w=0.");
  }
  return { kind: "mongodb", uri };
}

/** The driver ignores the case of parameter names and parses the value as a number, so `W=00` means `w=0`. */
function writesUnacknowledged(uri: string): boolean {
  const parameters = new URLSearchParams(uri.split("?")[1] ?? "");
  return [...parameters].some(([name, value]) => name.toLowerCase() === "w" && /^\s*[+-]?0+\s*$/.test(value));
}

function readCaching(read: EnvironmentReader): CachingConfig {
  const maxAgeSeconds = read.integer("MEDIA_MAX_AGE_SECONDS", { fallback: 3600, min: 0, max: 31_536_000 });
  const staleSeconds = read.integer("MEDIA_STALE_SECONDS", { fallback: 0, min: 0, max: 31_536_000 });
  const isImmutable = read.flag("MEDIA_IMMUTABLE", false);
  if (maxAgeSeconds === 0 && staleSeconds > 0)
    read.addProblem(
      "MEDIA_STALE_SECONDS cannot be used with MEDIA_MAX_AGE_SECONDS=0, which makes caches revalidate at each use.",
    );
  if (maxAgeSeconds === 0 && isImmutable)
    read.addProblem(
      "MEDIA_IMMUTABLE cannot be used with MEDIA_MAX_AGE_SECONDS=0, which makes caches revalidate at each use.",
    );
  return { maxAgeSeconds, staleSeconds, isImmutable };
}

function readDelivery(read: EnvironmentReader, storage: StorageConfig): MediaConfig["delivery"] {
  const delivery = read.choice("MEDIA_DELIVERY", deliveries, "proxy");
  if (delivery === "redirect" && storage.kind === "local") {
    read.addProblem(
      "MEDIA_DELIVERY=redirect needs a bucket in STORAGE_URL: clients cannot fetch from a local folder.",
    );
  }
  return delivery;
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
