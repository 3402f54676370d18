// Builds the service: all parts, and GraphQL and REST in one web server. Tests may replace parts.
import { setTimeout as sleep } from "node:timers/promises";

import type { FastifyInstance } from "fastify";

import type { Config } from "./config/config.ts";
import { CURRENT_PICTURE_ROUTE, MEDIA_ROUTE, REST_PREFIX } from "./domain/paths.ts";
import { pictureLimits } from "./domain/picture-format.ts";
import { playground } from "./graphql/playground.ts";
import { graphqlDoor } from "./graphql/plugin.ts";
import { AllowedMethods } from "./http/allowed-methods.ts";
import { clientAddressReader } from "./http/client-address.ts";
import { Metrics } from "./http/metrics.ts";
import { createServer, type Timeouts } from "./http/server.ts";
import { stopServer } from "./http/stopping.ts";
import { buildParts, type PartOverrides, type Parts } from "./parts.ts";
import { currentCaching, CurrentPictureResponder } from "./rest/current-picture-responder.ts";
import { sendError, sendNotFound } from "./rest/error-body.ts";
import { registerHealthRoutes } from "./rest/health.route.ts";
import { MediaResponder } from "./rest/media-responder.ts";
import { PictureAnswers } from "./rest/picture-answer.ts";
import { PictureLane } from "./rest/picture-lane.ts";
import { restDoor } from "./rest/plugin.ts";
import { webPage } from "./rest/web-page.ts";
import { createLog } from "./runtime/log.ts";
import { MediaUrls } from "./services/media-urls.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { fileTooLarge } from "./services/read-upload.ts";

/** Size of multipart boundaries, part headers and GraphQL's two fields, in addition to the file. */
const MULTIPART_OVERHEAD_BYTES = 640 * 1024;

/** How long `stop()` waits, after all answers are sent, for a database or CDN that does not respond. */
const CLOSE_MS = 5_500;

export interface Overrides extends PartOverrides {
  timeouts?: Timeouts;
}

/** A service that is built and can be started. */
export interface App extends Parts {
  server: FastifyInstance;
  urls: MediaUrls;
  /** Starts the parts, listens, and then starts the clean-up job. Resolves to the address. */
  start(): Promise<string>;
  /** Answers the requests that are under way, flushes the views and closes everything. */
  stop(): Promise<void>;
}

/** Builds the service, which does not listen yet. @throws Error with a one-line message when a part cannot be built */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const log = createLog(config.logLevel);
  const metrics = new Metrics();
  const parts = await buildParts(config, overrides, metrics, log);
  let baseUrl = config.http.publicUrl ?? `http://${urlHost(config.http.host)}:${config.http.port}`;
  const urls = new MediaUrls(() => config.http.cdnUrl ?? baseUrl);
  const isRedirecting = config.media.delivery === "redirect";
  const sendsCacheTags = config.http.cdnUrl !== null || config.purge !== null;

  const media = new MediaResponder({
    media: parts.media,
    views: parts.views,
    answers: new PictureAnswers(config.media.caching, sendsCacheTags),
    isRedirecting,
    clientAddressOf: clientAddressReader(config.http.trustProxy),
  });
  const currentPictures = new CurrentPictureResponder({
    currentPictures: parts.currentPictures,
    media,
    answers: new PictureAnswers(currentCaching(config.media.caching), sendsCacheTags),
  });
  const lane = new PictureLane({
    media,
    currentPictures,
    log,
    observe: (request, seconds) => metrics.requestAnswered(request, seconds),
  });
  const server = await createServer({
    http: config.http,
    log,
    maxBodyBytes: pictureLimits.maxFileBytes + MULTIPART_OVERHEAD_BYTES,
    bodyTooLarge: fileTooLarge,
    sendError,
    lane: (request, response) => lane.handle(request, response),
    timeouts: overrides.timeouts,
  });
  metrics.observe(server);
  server.setErrorHandler(sendError);
  answerOtherMethods(server);
  registerHealthRoutes(server, {
    metrics,
    checks: { database: () => parts.database.ping(), storage: () => parts.storage.check() },
  });
  const bucketOrigins = isRedirecting ? await originsOf(parts.storage) : [];
  await server.register(webPage, { pictureOrigins: () => [urls.origin(), ...bucketOrigins] });
  await server.register(playground);
  await server.register(graphqlDoor, {
    ...config.graphql,
    tokens: parts.tokens,
    rateLimits: parts.rateLimits,
    services: { ...parts, urls },
    watchLive: (state) => metrics.watchLive(state),
    countOperation: (operation, code) => metrics.countOperation(operation, code),
  });
  await server.register(restDoor, { prefix: REST_PREFIX, ...parts, urls });
  metrics.watch({
    views: () => parts.views.totals,
    pictures: () => parts.pictureMaker.state,
    fromMemory: () => lane.totals,
    caches: () => ({ records: parts.mediaCache.state, bytes: parts.objectCache.state }),
    cleanup: () => parts.cleanup.totals,
    cdnPurge: () => parts.cdnPurge && { ...parts.cdnPurge.totals, waiting: parts.cdnPurge.waitingCount },
  });

  return {
    ...parts,
    server,
    urls,
    async start() {
      if (config.database.kind === "embedded") await parts.cleanup.settleUnfinished();
      await parts.views.start();
      await parts.changeFeed.start();
      parts.mediaCache.start();
      parts.pictureMaker.start();
      await parts.cdnPurge?.start(parts.database.media);
      await parts.renditions.start();
      const address = reachable(await server.listen({ host: config.http.host, port: config.http.port }));
      baseUrl = config.http.publicUrl ?? address;
      parts.cleanup.start();
      return address;
    },
    async stop() {
      await stopServer(server);
      parts.mediaCache.close();
      const { views, changeFeed, cdnPurge, cleanup, pictureMaker } = parts;
      const closing = Promise.all(
        [views, changeFeed, cdnPurge, cleanup, pictureMaker].map((part) => part?.close()),
      );
      await Promise.race([closing, sleep(CLOSE_MS, undefined, { ref: false })]);
      await parts.database.close();
    },
  };
}

/** Sends 404 for unknown paths and 405 for methods that a path does not support. Adds `Allow` to 405 and OPTIONS. */
function answerOtherMethods(server: FastifyInstance): void {
  const allowed = new AllowedMethods(server);
  for (const route of [MEDIA_ROUTE, CURRENT_PICTURE_ROUTE]) allowed.add(route, ["GET", "HEAD"]);
  server.setNotFoundHandler((request, reply) =>
    sendNotFound(request, reply, allowed.find(pathOf(request.url))),
  );
  server.addHook("onSend", async ({ method, url }, reply) => {
    const methods = method === "OPTIONS" && allowed.find(pathOf(url));
    if (methods) reply.header("allow", methods);
  });
}

function pathOf(url: string): string {
  return url.split("?", 1)[0]!;
}

/** Returns the origins to which clients are redirected. @throws Error when the storage cannot sign URLs */
async function originsOf(storage: ObjectStorage): Promise<string[]> {
  try {
    return await storage.findOrigins();
  } catch (error) {
    const { message } = ((error as Error).cause ?? error) as Error;
    throw new Error(
      `MEDIA_DELIVERY=redirect needs signed URLs, but the storage cannot sign them: ${message}`,
      { cause: error },
    );
  }
}

/** Replaces `[::]`, all addresses of the machine, with the loopback address: not every client can connect to `[::]`. */
function reachable(address: string): string {
  return address.replace("//[::]:", "//[::1]:");
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
