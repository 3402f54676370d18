// The service: its parts behind two doors, in one web server. Called by `main.ts`, and by tests, which may replace a
// part.
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { FastifyInstance } from "fastify";

import type { Config } from "./config/config.ts";
import { pictureLimits } from "./domain/picture-format.ts";
import { playground } from "./graphql/playground.ts";
import { graphqlDoor } from "./graphql/plugin.ts";
import { AllowedMethods } from "./http/allowed-methods.ts";
import { Metrics } from "./http/metrics.ts";
import { createServer, type Timeouts } from "./http/server.ts";
import { stopServer } from "./http/stopping.ts";
import { buildParts, type PartOverrides, type Parts } from "./parts.ts";
import { sendError, sendNotFound } from "./rest/error-body.ts";
import { registerHealthRoutes } from "./rest/health.route.ts";
import { MEDIA_ROUTE } from "./rest/media.route.ts";
import { PictureAnswers } from "./rest/picture-answer.ts";
import { PictureFront } from "./rest/picture-front.ts";
import { restDoor } from "./rest/plugin.ts";
import { webPage } from "./rest/web-page.ts";
import { MediaUrls } from "./services/media-urls.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { fileTooLarge } from "./services/read-upload.ts";

/** Multipart boundaries, part headers and GraphQL's two fields, beside the file. */
const MULTIPART_OVERHEAD_BYTES = 640 * 1024;

/** What waits for a database, or for an edge, that does not answer has this long after all answers are sent. */
const CLOSE_MS = 5_500;

const REST_PREFIX = "/api/users";

export interface Overrides extends PartOverrides {
  timeouts?: Timeouts;
}

/** A built service: inject requests into `server`, or let it listen. */
export interface App extends Parts {
  server: FastifyInstance;
  urls: MediaUrls;
  /** Listens, and starts what happens by itself. Resolves to the address. */
  start(): Promise<string>;
  /** Answers what is under way, flushes the views, closes everything. */
  stop(): Promise<void>;
}

/** Builds the service. Nothing listens yet. @throws Error with one clear sentence when a part cannot be had */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  let baseUrl = config.http.publicUrl ?? `http://${urlHost(config.http.host)}:${config.http.port}`;
  const urls = new MediaUrls(() => config.http.cdnUrl ?? baseUrl);
  let front: PictureFront | undefined; // It needs the parts, which need the server's log.
  const server = await createServer({
    http: config.http,
    logLevel: config.logLevel,
    maxBodyBytes: pictureLimits.maxFileBytes + MULTIPART_OVERHEAD_BYTES,
    bodyTooLarge: fileTooLarge,
    sendError,
    front: (request, response, next) => (front ? front.handle(request, response, next) : next()),
    timeouts: overrides.timeouts,
  });
  const metrics = new Metrics();
  const parts = await buildParts(config, overrides, metrics, server.log);
  const { database, storage, tokens, rateLimits, views, changeFeed, edge, known, media, cleanup } = parts;
  const { accounts, profilePictures, pictures, placeholders, renditions } = parts;

  metrics.observe(server);
  server.setErrorHandler(sendError);
  const allowed = new AllowedMethods(server);
  server.setNotFoundHandler((request, reply) =>
    sendNotFound(request, reply, allowed.find(pathOf(request.url))),
  );
  server.addHook("onSend", async ({ method, url }, reply) => {
    const methods = method === "OPTIONS" && allowed.find(pathOf(url));
    if (methods) reply.header("allow", methods);
  });
  registerHealthRoutes(server, {
    metrics,
    checks: { database: () => database.ping(), storage: () => storage.check() },
  });
  const isRedirecting = config.media.delivery === "redirect";
  const bucketOrigins = isRedirecting ? await originsOf(storage) : [];
  await server.register(webPage, { pictureOrigins: () => [urls.origin(), ...bucketOrigins] });
  await server.register(playground);
  await server.register(graphqlDoor, {
    ...config.graphql,
    tokens,
    rateLimits,
    services: { accounts, changes: parts.live, media, placeholders, profilePictures, urls },
    watchLive: (state) => metrics.watchLive(state),
    countOperation: (operation, code) => metrics.countOperation(operation, code),
  });
  const hasEdge = config.http.cdnUrl !== null || config.purge !== null;
  const answers = new PictureAnswers(config.media.caching, hasEdge);
  const observe = (status: number, seconds: number) =>
    metrics.requestAnswered({ method: "GET", route: REST_PREFIX + MEDIA_ROUTE, status }, seconds);
  const pictureFront = new PictureFront({ media, views, answers, isRedirecting, log: server.log, observe });
  front = pictureFront;
  const rest = {
    tokens,
    currentPictures: parts.currentPictures,
    rateLimits,
    profilePictures,
    urls,
    media,
    views,
    answers,
    hasEdge,
    isRedirecting,
    rethrowFailure: (request: IncomingMessage) => pictureFront.rethrowFailure(request),
  };
  await server.register(restDoor, { prefix: REST_PREFIX, ...rest });
  metrics.watch({
    views: () => views.totals,
    pictures: () => pictures.state,
    fromMemory: () => pictureFront.totals,
    caches: () => ({ records: known.state, bytes: parts.hot.state }),
    cleanup: () => cleanup.totals,
    edge: () => edge && { ...edge.totals, waiting: edge.waitingCount },
  });

  return {
    ...parts,
    server,
    urls,
    async start() {
      if (config.database.kind === "embedded") await cleanup.settleUnfinished();
      await views.start();
      await changeFeed.start();
      known.start();
      pictures.start();
      await edge?.start(database.media);
      await renditions.start();
      const address = reachable(await server.listen({ host: config.http.host, port: config.http.port }));
      baseUrl = config.http.publicUrl ?? address;
      cleanup.start();
      return address;
    },
    async stop() {
      await stopServer(server);
      known.close();
      const parts = [views, changeFeed, edge, cleanup, pictures];
      const closing = Promise.all(parts.map((part) => part?.close()));
      await Promise.race([closing, sleep(CLOSE_MS, undefined, { ref: false })]);
      await database.close();
    },
  };
}

function pathOf(url: string): string {
  return url.split("?", 1)[0]!;
}

/** Where clients are sent for what is stored. @throws Error where nothing can be signed */
async function originsOf(storage: ObjectStorage): Promise<string[]> {
  try {
    return await storage.findOrigins();
  } catch (error) {
    const { message } = ((error as Error).cause ?? error) as Error;
    throw new Error(`MEDIA_DELIVERY=redirect: no address can be signed: ${message}`, { cause: error });
  }
}

/** With HOST=:: it stands for all that the machine has, and leads to none of them. */
function reachable(address: string): string {
  return address.replace("//[::]:", "//[::1]:");
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
