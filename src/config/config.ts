// Turns the environment, which `main.ts` passes, into one frozen Config. Every other part receives its own group
// of it alone.
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
  /** Whether clients may ask what the schema is. The playground lives from it. */
  introspection: boolean;
  /** Whether it is served as a subgraph of a federated graph. */
  isSubgraph: boolean;
}

/** What browsers and CDNs are told of pictures. */
export interface CachingConfig {
  maxAgeSeconds: number;
  /** How long an old one may be shown while it is asked for again. */
  staleSeconds: number;
  /** Whether they are told not to ask again even when a page is loaded anew. */
  isImmutable: boolean;
}

export interface MediaConfig {
  caching: CachingConfig;
  /** Whether originals and thumbnails come through us, or clients are sent to the bucket. */
  delivery: (typeof deliveries)[number];
  /** Of stored pictures that are kept in memory, together. */
  memoryBytes: number;
  viewJournalDir: string;
  /** How often views go from the journal to the database. */
  viewFlushMs: number;
  /** Of what is made of pictures, which can be made again. */
  renditionDir: string;
  renditionBytes: number;
}

export type { AuthConfig, BucketConfig, HttpConfig, PurgeConfig, StorageConfig };
export { describeStorage, isSameStorage, parseStorageUrl, withTag };

/** Image decoders get these variables for their allocator and their fonts, and none of the service's secrets. */
const decoderVariables = ["LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_CONF", "FONTCONFIG_PATH", "TMPDIR"];

export interface Config {
  http: HttpConfig;
  /** How the cache at the edge is told what to forget; null where it is not told. */
  purge: PurgeConfig | null;
  database: DatabaseConfig;
  auth: AuthConfig;
  storage: StorageConfig;
  /** Where pictures are read that have not moved to `storage` yet. */
  storageFallback: StorageConfig | null;
  graphql: GraphQLConfig;
  limits: LimitsConfig;
  media: MediaConfig;
  cleanup: CleanupConfig;
  /** The environment of the processes that decode images. */
  decoderEnvironment: Readonly<Record<string, string>>;
  /** Where everything that must survive a restart is kept. */
  instanceDir: string;
  logLevel: LogLevel;
}

const deliveries = ["proxy", "redirect"] as const;

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** What is wrong with the environment: all of it at once, one sentence a variable. */
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
    read.problem("MONGODB_URI must start with mongodb:// or mongodb+srv://.");
  }
  if (writesUnacknowledged(uri)) {
    read.problem("MONGODB_URI must not have w=0: nothing would be known to be stored.");
  }
  return { kind: "mongodb", uri };
}

/** The driver takes names in any case, and values as any number. */
function writesUnacknowledged(uri: string): boolean {
  const parameters = new URLSearchParams(uri.split("?")[1] ?? "");
  return [...parameters].some(([name, value]) => name.toLowerCase() === "w" && /^\s*[+-]?0+\s*$/.test(value));
}

function readCaching(read: EnvironmentReader): CachingConfig {
  const maxAgeSeconds = read.integer("MEDIA_MAX_AGE_SECONDS", { fallback: 3600, min: 0, max: 31_536_000 });
  const staleSeconds = read.integer("MEDIA_STALE_SECONDS", { fallback: 0, min: 0, max: 31_536_000 });
  const isImmutable = read.flag("MEDIA_IMMUTABLE", false);
  if (maxAgeSeconds === 0 && staleSeconds > 0)
    read.problem(
      "MEDIA_STALE_SECONDS contradicts MEDIA_MAX_AGE_SECONDS=0: nothing is kept that could be old.",
    );
  if (maxAgeSeconds === 0 && isImmutable)
    read.problem("MEDIA_IMMUTABLE contradicts MEDIA_MAX_AGE_SECONDS=0: caches ask each time.");
  return { maxAgeSeconds, staleSeconds, isImmutable };
}

function readDelivery(read: EnvironmentReader, storage: StorageConfig): MediaConfig["delivery"] {
  const delivery = read.choice("MEDIA_DELIVERY", deliveries, "proxy");
  if (delivery === "redirect" && storage.kind === "local") {
    read.problem("MEDIA_DELIVERY=redirect needs a bucket as STORAGE_URL: nobody can fetch from our folder.");
  }
  return delivery;
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
