// The web server that both doors hang in: time-outs, body limits, security headers, CORS, request log. Made by
// `app.ts`.
import { randomUUID } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";

import type { HttpConfig } from "../config/config.ts";
import type { AppError } from "../errors.ts";
import { guardRequestBodies } from "./request-body.ts";
import { requestMessageClass } from "./request-message.ts";
import { OrderedResponse, takingTurns } from "./request-turns.ts";
import { faultOfTarget } from "./target.ts";
import { finishConnectionsOnStop } from "./stopping.ts";

/** How long a client may take for each part of what it does on a connection. */
export interface Timeouts {
  /** From the first byte of a request to its last. */
  requestMs: number;
  /** From the first byte of a request, or the opening of the connection, to the end of the headers. */
  headersMs: number;
  /** From an answer to the next request. */
  keepAliveMs: number;
  /** From the last byte that was sent or received on a connection, while a request is answered. */
  stallMs: number;
  /** How often it is looked whether the first two are over. */
  checkIntervalMs: number;
}

const defaultTimeouts: Timeouts = {
  requestMs: 60_000, // A picture of 800 KB over a slow mobile network takes most of it.
  headersMs: 15_000,
  keepAliveMs: 72_000, // Longer than the idle time of common load balancers, so that it is they who close.
  stallMs: 60_000, // No answer takes as long; what a client has not read by then stays in memory no longer.
  checkIntervalMs: 5_000,
};

/** More than any browser sends with its cookies; Node's own default, written down. */
const MAX_HEADER_BYTES = 16 * 1024;

/** For JSON: a long query with its variables. */
const MAX_JSON_BYTES = 256 * 1024;

const PREFLIGHT_MAX_AGE_SECONDS = 600;

export interface ServerOptions {
  http: HttpConfig;
  log: FastifyBaseLogger;
  /** For a whole request body, multipart included. */
  maxBodyBytes: number;
  bodyTooLarge: () => AppError;
  /** Renders what the web framework refuses before any route is found, such as an address that is none. */
  sendError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
  /** Sees each request first. @returns false for requests that it leaves to the routes */
  lane: (request: IncomingMessage, response: ServerResponse) => boolean;
  timeouts?: Timeouts | undefined;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { timeouts = defaultTimeouts } = options;
  const app: FastifyInstance = Fastify({
    loggerInstance: options.log,
    // One line a request, written below. The id is our own: a client's could be anything, and a log is no place for that.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: () => randomUUID(),
    trustProxy: options.http.trustProxy && [...options.http.trustProxy],
    frameworkErrors: options.sendError,
    bodyLimit: MAX_JSON_BYTES,
    clientErrorHandler: (error, socket) => {
      app.log.debug({ code: error.code, address: socket.remoteAddress }, "no request");
      refuseConnection(error, socket);
    },
    serverFactory: (handler) => {
      const settings = {
        IncomingMessage: requestMessageClass((socket) => refuseConnection(tooManyPieces, socket)),
        ServerResponse: OrderedResponse,
        requestTimeout: timeouts.requestMs,
        headersTimeout: timeouts.headersMs,
        keepAliveTimeout: timeouts.keepAliveMs,
        connectionsCheckingInterval: timeouts.checkIntervalMs,
        maxHeaderSize: MAX_HEADER_BYTES,
      };
      const listener = takingTurns((request, response) => {
        const fault = faultOfTarget(request);
        if (fault) return refuse(response, fault);
        if (isStopping()) response.setHeader("connection", "close");
        if (!options.lane(request, response)) handler(request, response);
      });
      return http.createServer(settings, listener).setTimeout(timeouts.stallMs);
    },
    forceCloseConnections: "idle",
    // Whoever still sends on an open connection while we stop is served, and told to open another one.
    return503OnClosing: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    // The path alone: a query string may hold what somebody would not want to read in a log.
    const path = request.url.split("?", 1)[0];
    const durationMs = Math.round(reply.elapsedTime);
    request.log.info({ method: request.method, path, status: reply.statusCode, durationMs }, "request");
  });
  const isStopping = finishConnectionsOnStop(app);
  guardRequestBodies(app, { maxBodyBytes: options.maxBodyBytes, tooLarge: options.bodyTooLarge });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginEmbedderPolicy: false,
    xFrameOptions: { action: "deny" },
    // TLS, and so this header, is the business of the proxy in front.
    strictTransportSecurity: false,
  });
  await app.register(cors, {
    origin: options.http.corsOrigins === "*" ? "*" : [...options.http.corsOrigins],
    methods: ["GET", "HEAD", "POST", "DELETE"],
    allowedHeaders: ["authorization", "content-type", "apollo-require-preflight", "x-apollo-operation-name"],
    exposedHeaders: ["etag", "retry-after", "content-disposition", "x-request-id"],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    strictPreflight: false, // OPTIONS without CORS headers asks what an address takes.
  });
  return app;
}

/** A request that is for no address, in the words of all other errors. */
function refuse(response: ServerResponse, message: string): void {
  const body = JSON.stringify({ success: false, message, code: "BAD_USER_INPUT" });
  response
    .writeHead(400, { "content-type": "application/json; charset=utf-8", connection: "close" })
    .end(body);
}

/** For a client that does not read what it is told. */
const REFUSAL_TIMEOUT_MS = 5_000;

/** Node keeps the answer that is under way on its connection. */
type AnsweringSocket = Socket & { _httpMessage?: { headersSent: boolean } | null };

const tooManyPieces = Object.assign(new Error("body in too many pieces"), { code: "BODY_IN_PIECES" });

const connectionRefusals: Record<string, [status: string, message: string]> = {
  BODY_IN_PIECES: ["400 Bad Request", "The body comes in too many small pieces."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request took too long."],
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The headers are too large."],
};

/** Bytes that are no request, or come too slowly: said in the words of all other errors, and the last on the connection. */
function refuseConnection(error: Error & { code?: string }, socket: AnsweringSocket): void {
  const isAnswering = socket._httpMessage?.headersSent === true; // It would be taken for a part of that answer.
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const [status, message] = connectionRefusals[error.code ?? ""] ?? [
    "400 Bad Request",
    "This is no HTTP request.",
  ];
  const body = JSON.stringify({ success: false, message, code: "BAD_USER_INPUT" });
  const head = [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.setTimeout(REFUSAL_TIMEOUT_MS, () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
