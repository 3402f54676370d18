// Builds every part of the service once, and passes to each part the parts that it needs.
import { availableParallelism } from "node:os";
import path from "node:path";

import type { FastifyBaseLogger } from "fastify";

import { AccessTokens } from "./auth/access-token.ts";
import { readTokenSource } from "./auth/token-source.ts";
import type { Config } from "./config/config.ts";
import { Database, type EmbeddedMongoStarter } from "./database/connection.ts";
import { createMemoryLimiter, MongoLimiters } from "./database/rate-limit-store.ts";
import { mediaTag, userTag } from "./domain/cache-tags.ts";
import type { MediaId } from "./domain/ids.ts";
import { DecoderPool } from "./images/decoder-pool.ts";
import { PictureMaker } from "./images/picture-maker.ts";
import type { ImageWorker } from "./images/tasks.ts";
import { CdnPurge } from "./jobs/cdn-purge.ts";
import { CleanupJob } from "./jobs/cleanup-job.ts";
import { AccountService } from "./services/account-service.ts";
import { ChangeFeed } from "./services/change-feed.ts";
import { Changes } from "./services/changes.ts";
import { CurrentPictures } from "./services/current-pictures.ts";
import { LiveChanges } from "./services/live-changes.ts";
import { MediaCache } from "./services/media-cache.ts";
import { MediaService } from "./services/media-service.ts";
import { PictureIntake } from "./services/picture-intake.ts";
import { PictureLifecycle } from "./services/picture-lifecycle.ts";
import { Placeholders } from "./services/placeholders.ts";
import { ProfilePictureService } from "./services/profile-picture-service.ts";
import { Renditions } from "./services/renditions.ts";
import { RateLimits, type RateLimiterFactory } from "./services/rate-limits.ts";
import type { Reports } from "./services/reports.ts";
import { UserPages } from "./services/user-pages.ts";
import { CachedStorage } from "./storage/cached-storage.ts";
import { createStorageWithFallback } from "./storage/create-storage.ts";
import { ObjectCache } from "./storage/object-cache.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { RenditionFolder } from "./storage/rendition-folder.ts";
import { ViewCounter } from "./views/view-counter.ts";
import { ViewJournal } from "./views/view-journal.ts";

/** Limits of the queue of image work: running jobs, each in its own process, and waiting jobs of up to 800 KB each. */
const defaultPictureQueue = { maxConcurrent: Math.min(availableParallelism(), 3), maxWaiting: 32 };

/** Parts and settings that the caller may replace. Tests replace parts, and `main.ts` sets `onFatal`. */
export interface PartOverrides {
  createStorage?: (
    config: Pick<Config, "storage" | "storageFallback">,
  ) => ObjectStorage | Promise<ObjectStorage>;
  startEmbeddedMongo?: EmbeddedMongoStarter;
  /** Does the work on images. Default: separate processes. */
  imageWorker?: ImageWorker;
  pictureQueue?: { maxConcurrent: number; maxWaiting: number };
  /** Called when the thread of the embedded database has failed, so that the service cannot go on. */
  onFatal?: (error: Error) => void;
}

export type Parts = Awaited<ReturnType<typeof buildParts>>;

/** @throws Error with a one-line message when a part cannot be built */
export async function buildParts(
  config: Config,
  overrides: PartOverrides,
  reports: Reports,
  log: FastifyBaseLogger,
) {
  warnOfOwnFolder(config, log);
  const onFatal = overrides.onFatal ?? ((error) => log.fatal({ err: error }, "the database has failed"));
  const database = await Database.open(config.database, onFatal, overrides.startEmbeddedMongo);
  // Generates the secret after the database is locked. Otherwise two processes could generate two different secrets.
  const tokens = new AccessTokens(await readTokenSource(config.auth, log), config.auth.clockToleranceSeconds);
  const rateLimits = new RateLimits(config.limits, limiterFactory(config, database));

  const uncachedStorage = await (overrides.createStorage ?? createStorageWithFallback)(config);
  const objectCache = new ObjectCache(config.media.memoryBytes);
  const storage = new CachedStorage(uncachedStorage, objectCache);
  const pictureMaker = createPictureMaker(config, overrides, log);
  const folder = new RenditionFolder(config.media.renditionDir, config.media.renditionBytes);
  const renditions = new Renditions(database.media, uncachedStorage, folder, pictureMaker, log);
  const placeholders = new Placeholders(database.media, uncachedStorage, pictureMaker, log);

  const isShared = config.database.kind === "mongodb"; // Only one process at a time uses the embedded database.
  const journal = new ViewJournal(config.media.viewJournalDir, isShared, log);
  const views = new ViewCounter(database.viewCounts, journal, config.media.viewFlushMs, log);

  const changes = new Changes();
  const changeFeed = new ChangeFeed(database.media, changes, log);
  const mediaCache = new MediaCache(database.media, changeFeed, changes, log);
  const cdnPurge = config.purge && new CdnPurge(config.purge, log);
  const liveChanges = new LiveChanges();
  const lifecycle = new PictureLifecycle(database, changes);
  const media = new MediaService(
    database.viewCounts,
    mediaCache,
    storage,
    renditions,
    objectCache,
    views,
    log,
  );
  const currentPictures = new CurrentPictures(database.users, media, pictureMaker);
  const userPages = new UserPages(database.users);
  const accounts = new AccountService(database.users, userPages, tokens, rateLimits, changes);
  const profilePictures = new ProfilePictureService(
    database.users,
    database.media,
    lifecycle,
    storage,
    new PictureIntake(pictureMaker, rateLimits, reports),
    rateLimits,
    config.cleanup.retentionMs,
    reports,
    log,
  );
  const cleanup = new CleanupJob(database, lifecycle, storage, config.cleanup, log);

  // All subscribers of `changes` in the service. Each one notifies parts in the order in which it calls them.
  const forgetPicture = (id: MediaId) => {
    mediaCache.forget(id);
    void renditions.forget(id);
  };
  changes.on("pictureLeaving", (id) => mediaCache.forget(id));
  changes.on("pictureHidden", (id) => {
    forgetPicture(id);
    cdnPurge?.purge(mediaTag(id));
  });
  changes.on("hiddenPictureFound", forgetPicture);
  changes.on("userAdded", () => userPages.forgetAll());
  changes.on("userChanged", (id) => {
    currentPictures.forgetUser(id);
    userPages.forgetAll();
    cdnPurge?.purge(userTag(id));
  });
  changes.on("changesFound", (found) => {
    const hidden = found.filter(({ isHidden }) => isHidden).map(({ mediaId }) => mediaId);
    hidden.forEach(forgetPicture);
    for (const { mediaId, isHidden, isSettled } of found)
      if (!isHidden && !isSettled) mediaCache.forget(mediaId);
    for (const { uploaderId } of found) currentPictures.forgetUser(uploaderId);
    userPages.forgetPagesWith(new Set(hidden));
    liveChanges.publish(found); // Last, because its listeners read the users and pictures again.
  });
  changes.on("changesMissed", () => {
    mediaCache.forgetAll();
    void renditions.review();
  });

  return {
    log,
    database,
    tokens,
    rateLimits,
    objectCache,
    storage,
    pictureMaker,
    renditions,
    placeholders,
    views,
    changes,
    changeFeed,
    mediaCache,
    cdnPurge,
    liveChanges,
    lifecycle,
    media,
    currentPictures,
    accounts,
    profilePictures,
    cleanup,
  };
}

function createPictureMaker(
  { decoderEnvironment: environment }: Config,
  { pictureQueue = defaultPictureQueue, imageWorker }: PartOverrides,
  log: FastifyBaseLogger,
): PictureMaker {
  const onCrash = (how: string) => log.error({ how }, "a decoder process crashed while it decoded an image");
  const maxProcesses = pictureQueue.maxConcurrent;
  return new PictureMaker(
    pictureQueue,
    imageWorker ?? new DecoderPool({ maxProcesses, environment, onCrash }),
  );
}

/** Warns when other processes may share the database but cannot read the pictures that this process stores. */
function warnOfOwnFolder({ database, storage, instanceDir }: Config, log: FastifyBaseLogger): void {
  const isOwn = storage.kind === "local" && storage.rootDir.startsWith(path.resolve(instanceDir) + path.sep);
  if (database.kind === "mongodb" && isOwn)
    log.warn(
      "pictures are stored in INSTANCE_DIR; to run several processes, set STORAGE_URL to a shared storage",
    );
}

/** Returns limiters that count in the database if processes may share it, and in memory if it is embedded. */
function limiterFactory(config: Config, database: Database): RateLimiterFactory {
  if (config.database.kind === "embedded") return createMemoryLimiter;
  return new MongoLimiters(database.connection, database.clock).create;
}
