// The composition root: builds every part once and gives each what it needs. The only file that names all
// concrete classes. Called by `main.ts`, and by tests, which may replace a part.
import { availableParallelism } from "node:os";

import type { FastifyBaseLogger, FastifyInstance } from "fastify";

import { AccessTokens, type TokenSource } from "./auth/access-token.ts";
import { readOrCreateSecret } from "./auth/secret-file.ts";
import type { AuthConfig, Config, StorageConfig } from "./config.ts";
import { Database, type EmbeddedMongoStarter } from "./database/connection.ts";
import { createMemoryLimiter, MongoLimiters } from "./database/rate-limit-store.ts";
import { pictureLimits } from "./domain/picture-format.ts";
import { playground } from "./graphql/playground.ts";
import { graphqlDoor } from "./graphql/plugin.ts";
import { Metrics } from "./http/metrics.ts";
import { createServer, type Timeouts } from "./http/server.ts";
import { PictureMaker } from "./images/picture-maker.ts";
import { CleanupJob } from "./jobs/cleanup-job.ts";
import { sendError, sendNotFound } from "./rest/error-body.ts";
import { registerHealthRoutes } from "./rest/health.route.ts";
import { registerHomeRoute } from "./rest/home.route.ts";
import { restDoor } from "./rest/plugin.ts";
import { AccountService } from "./services/account-service.ts";
import { MediaService } from "./services/media-service.ts";
import { MediaUrls } from "./services/media-urls.ts";
import { PictureIntake } from "./services/picture-intake.ts";
import { ProfilePictureService } from "./services/profile-picture-service.ts";
import { RateLimits, type RateLimiterFactory } from "./services/rate-limits.ts";
import { fileTooLarge } from "./services/read-upload.ts";
import { createStorage } from "./storage/create-storage.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { ViewCounter } from "./views/view-counter.ts";
import { ViewJournal } from "./views/view-journal.ts";

/** Multipart boundaries, part headers and GraphQL's two fields, beside the file. */
const MULTIPART_OVERHEAD_BYTES = 640 * 1024;

/**
 * How many pictures are worked on, and how many wait. Decoding runs on the four threads that files and passwords
 * need too: one is always left to them. Each waiting picture holds up to 800 KB.
 */
const defaultPictureQueue = { maxConcurrent: Math.min(availableParallelism(), 3), maxWaiting: 32 };

/** What is under way when the service stops has this long. */
const STOP_GRACE_MS = 8_000;

/** What a test may replace. */
export interface Overrides {
  createStorage?: (config: StorageConfig) => ObjectStorage;
  startEmbeddedMongo?: EmbeddedMongoStarter;
  pictureQueue?: { maxConcurrent: number; maxWaiting: number };
  timeouts?: Timeouts;
  /** Called when a part that the process cannot do without has failed for good. */
  onFatal?: (error: Error) => void;
}

/** A built service: inject requests into `server`, or let it listen. */
export interface App {
  server: FastifyInstance;
  database: Database;
  storage: ObjectStorage;
  tokens: AccessTokens;
  views: ViewCounter;
  cleanup: CleanupJob;
  urls: MediaUrls;
  /** Listens, and starts what happens by itself. Resolves to the address. */
  start(): Promise<string>;
  /** Answers what is under way, flushes the views, closes everything. */
  stop(): Promise<void>;
}

/** Builds the service. Nothing listens yet. @throws Error with one clear sentence when a part cannot be had */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  let baseUrl = config.http.publicUrl ?? `http://${urlHost(config.http.host)}:${config.http.port}`;
  const urls = new MediaUrls(() => baseUrl);
  const tokens = new AccessTokens(await tokenSource(config.auth));
  const server = await createServer({
    http: config.http,
    logLevel: config.logLevel,
    maxBodyBytes: pictureLimits.maxFileBytes + MULTIPART_OVERHEAD_BYTES,
    bodyTooLarge: fileTooLarge,
    sendError,
    timeouts: overrides.timeouts,
  });
  warnOfShortSecret(config.auth, server.log);
  const onFatal =
    overrides.onFatal ?? ((error) => server.log.fatal({ err: error }, "the database has failed"));
  const database = await Database.open(config.database, onFatal, overrides.startEmbeddedMongo);
  const { users, media } = database;
  const storage = (overrides.createStorage ?? createStorage)(config.storage);
  const rateLimits = new RateLimits(config.limits, await limiterFactory(config, database));
  const isShared = config.database.kind === "mongodb"; // The embedded database has one process at a time.
  const views = new ViewCounter(
    media,
    new ViewJournal(config.media.viewJournalDir, isShared, server.log),
    server.log,
  );
  const mediaService = new MediaService(media, storage, views, server.log);
  const pictures = new PictureMaker(overrides.pictureQueue ?? defaultPictureQueue);
  const cleanup = new CleanupJob(database, storage, config.cleanup, server.log);
  const metrics = new Metrics({
    views: () => views.totals,
    pictures: () => pictures.state,
    cleanup: () => ({
      abandoned: cleanup.totals.abandonedCount,
      settled: cleanup.totals.settledCount,
      removed: cleanup.totals.removedCount,
      failed: cleanup.totals.failedCount,
    }),
  });
  const profilePictures = new ProfilePictureService(
    users,
    media,
    storage,
    new PictureIntake(pictures, metrics),
    config.cleanup.retentionMs,
    metrics,
    server.log,
  );
  const accounts = new AccountService(users, tokens, rateLimits);

  metrics.observe(server);
  server.setErrorHandler(sendError);
  server.setNotFoundHandler(sendNotFound);
  registerHealthRoutes(server, {
    metrics,
    checks: { database: () => database.ping(), storage: () => storage.check() },
  });
  registerHomeRoute(server);
  await server.register(playground);
  await server.register(graphqlDoor, {
    introspection: config.graphql.introspection,
    tokens,
    rateLimits,
    services: { accounts, media: mediaService, profilePictures, urls },
    countOperation: (operation, code) => metrics.countOperation(operation, code),
  });
  await server.register(restDoor, {
    prefix: "/api/users",
    tokens,
    rateLimits,
    profilePictures,
    urls,
    media: mediaService,
    views,
    maxAgeSeconds: config.media.maxAgeSeconds,
  });

  return {
    server,
    database,
    storage,
    tokens,
    views,
    cleanup,
    urls,
    async start() {
      await views.start();
      const address = await server.listen({ host: config.http.host, port: config.http.port });
      baseUrl = config.http.publicUrl ?? address;
      cleanup.start();
      return address;
    },
    async stop() {
      // A client that does not read its answer would keep us for ever.
      const impatience = setTimeout(() => server.server.closeAllConnections(), STOP_GRACE_MS);
      await server.close();
      clearTimeout(impatience);
      await views.close();
      await cleanup.close();
      await database.close();
    },
  };
}

async function tokenSource(auth: AuthConfig): Promise<TokenSource> {
  if (auth.kind !== "generated-secret") return auth;
  return { kind: "shared-secret", secret: await readOrCreateSecret(auth.secretFile) };
}

/** RFC 7518, section 3.2: a shorter one can be guessed from a single token. */
const MIN_SECRET_BYTES = 32;

/** Only a warning: LetsApp's own secret may be shorter, and the two have to agree. */
function warnOfShortSecret(auth: AuthConfig, log: FastifyBaseLogger): void {
  if (auth.kind !== "shared-secret" || Buffer.byteLength(auth.secret) >= MIN_SECRET_BYTES) return;
  log.warn(`JWT_SECRET has fewer than ${MIN_SECRET_BYTES} bytes: whoever has a token may find it out`);
}

/** One process counts for itself; several count together. */
async function limiterFactory(config: Config, database: Database): Promise<RateLimiterFactory> {
  if (config.database.kind === "embedded") return createMemoryLimiter;
  const limiters = new MongoLimiters(database.connection);
  await limiters.createIndexes();
  return limiters.create;
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
