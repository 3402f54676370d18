// Turns the environment, which `main.ts` passes, into one frozen Config. Every other part receives its own group
// of it alone.
import { isIP } from "node:net";
import path from "node:path";

import { EnvironmentReader, type Environment } from "./environment.ts";

const SECOND_MS = 1000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

export interface HttpConfig {
  host: string;
  port: number;
  /** Where clients reach us, without a slash at its end; null means the address that we listen on. */
  publicUrl: string | null;
  /** Origins that may call the API from a browser. Pictures may be shown by any. */
  corsOrigins: readonly string[] | "*";
  /** The proxies whose `X-Forwarded-For` is believed. */
  trustProxy: false | readonly string[];
}

export type DatabaseConfig = { kind: "embedded"; file: string } | { kind: "mongodb"; uri: string };

export type AuthConfig =
  | { kind: "shared-secret"; secret: string }
  | { kind: "generated-secret"; secretFile: string }
  | { kind: "key-set"; url: string; issuer: string; audience: string };

export interface StorageConfig {
  kind: "local";
  rootDir: string;
}

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
}

export interface MediaConfig {
  maxAgeSeconds: number;
  /** Of stored pictures that are kept in memory, together. */
  memoryBytes: number;
  viewJournalDir: string;
}

export interface Config {
  http: HttpConfig;
  database: DatabaseConfig;
  auth: AuthConfig;
  storage: StorageConfig;
  graphql: GraphQLConfig;
  limits: LimitsConfig;
  media: MediaConfig;
  cleanup: CleanupConfig;
  /** Where everything that must survive a restart is kept. */
  instanceDir: string;
  logLevel: LogLevel;
}

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
  const config: Config = {
    http: {
      host: read.text("HOST") ?? "127.0.0.1",
      port: read.integer("PORT", { fallback: 4000, min: 0, max: 65_535 }),
      publicUrl: readPublicUrl(read),
      corsOrigins: readCorsOrigins(read),
      trustProxy: readTrustProxy(read),
    },
    database,
    auth: readAuth(read, database, instanceDir),
    storage: { kind: "local", rootDir: path.join(instanceDir, "uploads", "profile_pictures") },
    graphql: {
      introspection: read.choice("GRAPHQL_INTROSPECTION", ["true", "false"], "true") === "true",
    },
    limits: {
      uploadsPerMinute: read.integer("UPLOADS_PER_MINUTE", { fallback: 5, min: 1, max: 1_000_000 }),
      signInsPerMinute: read.integer("SIGN_INS_PER_MINUTE", { fallback: 10, min: 1, max: 1_000_000 }),
    },
    media: {
      maxAgeSeconds: read.integer("MEDIA_MAX_AGE_SECONDS", { fallback: 3600, min: 0, max: 31_536_000 }),
      memoryBytes: read.integer("MEDIA_MEMORY_MB", { fallback: 64, min: 0, max: 1_000_000 }) * 1024 * 1024,
      viewJournalDir: path.join(instanceDir, "views"),
    },
    cleanup: {
      retentionMs: read.integer("MEDIA_RETENTION_DAYS", { fallback: 30, min: 0, max: 36_500 }) * DAY_MS,
    },
    instanceDir,
    logLevel: read.choice("LOG_LEVEL", logLevels, "info"),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

function readPublicUrl(read: EnvironmentReader): string | null {
  const url = read.url("PUBLIC_URL", ["http:", "https:"]);
  if (url && /[?#]/.test(url))
    read.problem("PUBLIC_URL must end before any ? or #: paths are put behind it.");
  return url?.replace(/\/+$/, "") ?? null;
}

function readDatabase(read: EnvironmentReader, instanceDir: string): DatabaseConfig {
  const uri = read.text("MONGODB_URI");
  if (!uri) return { kind: "embedded", file: path.join(instanceDir, "database", "letsapp.sqlite") };
  if (!/^mongodb(\+srv)?:\/\/./.test(uri)) {
    read.problem("MONGODB_URI must start with mongodb:// or mongodb+srv://.");
  }
  return { kind: "mongodb", uri };
}

function readAuth(read: EnvironmentReader, database: DatabaseConfig, instanceDir: string): AuthConfig {
  const secret = read.text("JWT_SECRET");
  const url = read.url("JWT_JWKS_URL", ["http:", "https:"]);
  const [issuer, audience] = [read.text("JWT_ISSUER"), read.text("JWT_AUDIENCE")];
  if (secret && url) {
    read.problem("JWT_SECRET and JWT_JWKS_URL exclude each other: tokens come from one place. Unset one.");
  }
  if (url) {
    if (!issuer) read.problem("JWT_ISSUER is required with JWT_JWKS_URL.");
    if (!audience) read.problem("JWT_AUDIENCE is required with JWT_JWKS_URL.");
    return { kind: "key-set", url, issuer: issuer ?? "", audience: audience ?? "" };
  }
  if (issuer) read.problem("JWT_ISSUER has a meaning only with JWT_JWKS_URL.");
  if (audience) read.problem("JWT_AUDIENCE has a meaning only with JWT_JWKS_URL.");
  if (secret) return { kind: "shared-secret", secret };
  if (database.kind === "mongodb") {
    read.problem(
      "JWT_SECRET or JWT_JWKS_URL is required with MONGODB_URI: several processes have to agree on it.",
    );
  }
  return { kind: "generated-secret", secretFile: path.join(instanceDir, "jwt-secret") };
}

function readCorsOrigins(read: EnvironmentReader): readonly string[] | "*" {
  const text = read.text("CORS_ORIGINS");
  if (text === undefined) return [];
  if (text === "*") return "*";
  const origins = text.split(",").map((origin) => origin.trim());
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      read.problem(`CORS_ORIGINS must be "*" or a list such as https://a.example,https://b.example.`);
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
    read.problem("TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.");
  }
  return addresses;
}

/** What the web framework understands: an address, one with a prefix length, or the name of a well-known range. */
function isAddressOrRange(text: string): boolean {
  if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
  const [address = "", prefix] = text.split("/");
  const maxPrefix = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= maxPrefix))
  );
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
