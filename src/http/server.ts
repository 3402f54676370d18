// Creates the web server for GraphQL and REST: time-outs, body limits, security headers, CORS and the request log.
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
import { nextRequestId } from "./request-id.ts";
import { requestMessageClass } from "./request-message.ts";
import { OrderedResponse, turnTaker } from "./request-turns.ts";
import { SlowBodies, type BodyLimits } from "./slow-bodies.ts";
import { faultOfTarget, normalTarget } from "./target.ts";
import { finishConnectionsOnStop } from "./stopping.ts";

/** Time limits for a client on one connection. */
export interface Timeouts extends BodyLimits {
  /** Time from the first byte of a request, or from the opening of the connection, to the end of the headers. */
  headersMs: number;
  /** Time from an answer to the next request. */
  keepAliveMs: number;
  /** Time since the last byte that was sent or received, while a request is being answered. */
  stallMs: number;
}

const defaultTimeouts: Timeouts = {
  requestMs: 60_000,
  uploadGraceMs: 30_000, // Longer than the service itself lets an upload wait before it reads the file.
  minUploadBytesPerSecond: 1_000, // A quarter of a very slow mobile network: 28 kbit/s are 3,500 bytes.
  headersMs: 15_000,
  keepAliveMs: 72_000, // Longer than the idle time of common load balancers, so that the load balancer closes first.
  stallMs: 60_000, // No answer takes this long. Ends idle uploads, and answers that a client does not read.
  checkIntervalMs: 5_000,
};

/** More than any browser sends, cookies included. Equals Node's default. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Limit of a JSON body: enough for a long query with its variables. */
const MAX_JSON_BYTES = 256 * 1024;

const PREFLIGHT_MAX_AGE_SECONDS = 600;

export interface ServerOptions {
  http: HttpConfig;
  log: FastifyBaseLogger;
  /** Limit of the length that a request announces in `Content-Length`, also for a multipart body. */
  maxBodyBytes: number;
  bodyTooLarge: () => AppError;
  /** Renders an error that occurs before a route is found, such as an invalid URL. */
  sendError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
  /** Receives each request before the routes. @returns false for a request that it leaves to the routes */
  lane: (request: IncomingMessage, response: ServerResponse) => boolean;
  timeouts?: Timeouts | undefined;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { timeouts = defaultTimeouts } = options;
  const slowBodies = new SlowBodies(timeouts, (socket) => endConnection(tooSlow, socket));
  const endConnection = (error: Error & { code?: string }, socket: Socket): void => {
    app.log.debug(
      { code: error.code, address: socket.remoteAddress },
      "connection failed: the request was invalid, too slow or cut off",
    );
    refuseConnection(error, socket);
  };
  const app: FastifyInstance = Fastify({
    loggerInstance: options.log,
    // The hook below writes one line per request. The id is generated, because a client could send anything as an id.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: nextRequestId,
    trustProxy: options.http.trustProxy && [...options.http.trustProxy],
    frameworkErrors: options.sendError,
    bodyLimit: MAX_JSON_BYTES,
    clientErrorHandler: endConnection,
    serverFactory: (handler) => {
      const settings = {
        IncomingMessage: requestMessageClass((socket) => refuseConnection(tooManyPieces, socket)),
        ServerResponse: OrderedResponse,
        requestTimeout: longestUploadMs(timeouts, options.maxBodyBytes),
        headersTimeout: timeouts.headersMs,
        keepAliveTimeout: timeouts.keepAliveMs,
        connectionsCheckingInterval: timeouts.checkIntervalMs,
        maxHeaderSize: MAX_HEADER_BYTES,
      };
      const inTurn = turnTaker();
      const listener = inTurn((request, response) => {
        const fault = faultOfTarget(request);
        if (fault) return refuse(response, fault);
        request.url = normalTarget(request.url!);
        slowBodies.watch(request);
        if (isStopping()) response.setHeader("connection", "close");
        if (!options.lane(request, response)) handler(request, response);
      });
      // Node would answer unknown expectations itself, those of all pipelined requests in one event-loop turn.
      return http
        .createServer(settings, listener)
        .on("checkExpectation", inTurn(refuseExpectation))
        .setTimeout(timeouts.stallMs)
        .on("close", () => slowBodies.close());
    },
    forceCloseConnections: "idle",
    // A request on an open connection is served while the service stops. Its answer has `Connection: close`.
    return503OnClosing: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    // Logs only the path, because a query string may contain private data.
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
    // Left to the proxy that terminates TLS.
    strictTransportSecurity: false,
  });
  await app.register(cors, {
    origin: options.http.corsOrigins === "*" ? "*" : [...options.http.corsOrigins],
    methods: ["GET", "HEAD", "POST", "DELETE"],
    allowedHeaders: ["authorization", "content-type", "apollo-require-preflight", "x-apollo-operation-name"],
    exposedHeaders: ["etag", "retry-after", "content-disposition", "x-request-id"],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    strictPreflight: false, // OPTIONS without CORS headers asks for the methods of a path.
  });
  return app;
}

/** Time for the largest body at the minimum rate. Also bounds a chunked body that goes on after the end of its form. */
function longestUploadMs({ uploadGraceMs, minUploadBytesPerSecond }: Timeouts, maxBodyBytes: number): number {
  return uploadGraceMs + Math.ceil((maxBodyBytes / minUploadBytesPerSecond) * 1000);
}

/** Rejects a request with an invalid target or `Host`, in the usual error format. */
function refuse(response: ServerResponse, message: string, status = 400): void {
  const body = JSON.stringify({ success: false, message, code: "BAD_USER_INPUT" });
  response
    .writeHead(status, { "content-type": "application/json; charset=utf-8", connection: "close" })
    .end(body);
}

/** Source: RFC 9110, section 10.1.1. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  refuse(response, "The only supported value of Expect is 100-continue.", 417);
}

/** How long a rejected client may take to read the answer. */
const REFUSAL_TIMEOUT_MS = 5_000;

/** Node stores the response that is under way in this property of the socket. */
type AnsweringSocket = Socket & { _httpMessage?: { headersSent: boolean } | null };

const tooManyPieces = Object.assign(new Error("body in too many pieces"), { code: "BODY_IN_PIECES" });

const tooSlow = Object.assign(new Error("body too slow"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });

const connectionRefusals: Record<string, [status: string, message: string]> = {
  BODY_IN_PIECES: ["400 Bad Request", "The body comes in too many small pieces."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request took too long."],
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The headers are too large."],
};

/** Rejects bytes that are not a request or come too slowly, in the usual error format. Closes the connection. */
function refuseConnection(error: Error & { code?: string }, socket: AnsweringSocket): void {
  // The client would read an error as a part of the answer that is under way.
  const isAnswering = socket._httpMessage?.headersSent === true;
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const [status, message] = connectionRefusals[error.code ?? ""] ?? [
    "400 Bad Request",
    "The bytes are not a valid HTTP request.",
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
