// Serves subscriptions over WebSocket, on the same port and path as GraphQL over HTTP.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";

import type { FastifyBaseLogger } from "fastify";
import {
  GraphQLError,
  type DocumentNode,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLSchema,
} from "graphql";
import { CloseCode, handleProtocols, makeServer, type Context, type SubscribePayload } from "graphql-ws";
import { WebSocketServer } from "ws";

import type { AccessTokens, Caller } from "../auth/access-token.ts";
import { networkOf } from "../domain/network.ts";
import { Tally } from "../runtime/tally.ts";
import { until } from "../runtime/until.ts";
import { AppError } from "../errors.ts";
import { toAppError } from "../http/to-app-error.ts";
import { acceptWebSockets } from "../http/upgrades.ts";
import type { RequestContext } from "./context.ts";
import { logOperationError, withRequestId, type ErrorFormatter } from "./format-error.ts";
import { parseSubscription } from "./live-operation.ts";
import { watchSocket } from "./live-socket.ts";

export interface LiveDoorOptions {
  path: string;
  schema: GraphQLSchema;
  tokens: AccessTokens;
  createContext: (of: Pick<RequestContext, "actor" | "requestId" | "log" | "network">) => RequestContext;
  formatError: ErrorFormatter;
  log: FastifyBaseLogger;
}

/** A connection takes about 20 KB of memory. */
const MAX_CONNECTIONS = 20_000;

/** Each browser tab of a user takes one connection. */
const MAX_CONNECTIONS_PER_USER = 50;
const MAX_SUBSCRIPTIONS_PER_CONNECTION = 20;

/** Invalid subscriptions after which the connection is closed. Validating one takes up to 10 ms. */
const MAX_REFUSALS_PER_CONNECTION = 20;

/** Enough for a long query with 500 user ids. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/** Fragments of one message. Clients send a message of this size whole. */
const MAX_FRAGMENT_COUNT = 64;

/** How long a client may take to send `connection_init`, which contains the token, after it has connected. */
const INIT_TIMEOUT_MS = 5_000;

/** How long `close()` waits for clients to close their side of the connection. */
const CLOSE_TIMEOUT_MS = 1_000;

/** The longest delay that `setTimeout` accepts: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Clients reconnect after these close codes. Source: the registry of WebSocket close codes. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** Our state of one connection. `caller` is set once the token is verified. */
interface Extra extends Record<PropertyKey, unknown> {
  request: IncomingMessage;
  close: (code: number, reason: string) => void;
  id: string;
  log: FastifyBaseLogger;
  isClosed?: boolean;
  refusalCount?: number;
  caller?: Caller;
  expiry?: NodeJS.Timeout;
}
type Connection = Context<Record<string, unknown>, Extra>;

export class LiveDoor {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENT_COUNT,
    allowSynchronousEvents: false, // Each message of a client gets its own event-loop turn.
    handleProtocols,
  });
  readonly #countByUser = new Tally<string>();
  readonly #protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: (connection) => this.#identify(connection),
    onClose: (connection) => this.#forget(connection),
    onSubscribe: (connection, _id, payload) => this.#accept(connection, payload),
    onNext: (connection, _id, _payload, _args, { errors, ...result }) =>
      errors && ({ ...result, errors: this.#show(connection, errors) } as FormattedExecutionResult),
    onError: (connection, _id, _payload, errors) => this.#show(connection, errors),
  });

  constructor(readonly options: LiveDoorOptions) {}

  get connectionCount(): number {
    return this.#sockets.clients.size;
  }

  open(server: Server): void {
    acceptWebSockets(server, this.options.path, (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const id = randomUUID();
        const log = this.options.log.child({ requestId: id });
        const liveSocket = watchSocket(webSocket, log);
        if (this.connectionCount > MAX_CONNECTIONS) {
          return liveSocket.close(TRY_AGAIN_LATER, "Too many clients are connected. Try again in a moment.");
        }
        const closed = this.#protocol.opened(liveSocket, { request, close: liveSocket.close, id, log });
        webSocket.once("close", (code, reason) => void closed(code, String(reason)));
      });
    });
  }

  /**
   * Closes all connections. The clients reconnect, to another process or to the next one. A client that does not close
   * its side within `CLOSE_TIMEOUT_MS` is disconnected.
   */
  async close(): Promise<void> {
    this.#sockets.close();
    const { clients } = this.#sockets;
    for (const socket of clients) socket.close(GOING_AWAY, "The service is stopping.");
    await until(() => clients.size === 0, CLOSE_TIMEOUT_MS);
    for (const socket of clients) socket.terminate();
  }

  /**
   * Verifies the token. A browser sends it in the connection parameters, because it cannot set headers of a WebSocket
   * request. Other clients may send the header `Authorization`.
   *
   * @returns false when the connection is closed because the client is rejected
   */
  async #identify({ connectionParams = {}, extra }: Connection): Promise<boolean> {
    const { authorization = connectionParams.Authorization } = connectionParams;
    const given = authorization ?? extra.request.headers.authorization;
    try {
      if (typeof given !== "string") throw new AppError("UNAUTHENTICATED", "Connect with a token.");
      const caller = await this.options.tokens.prove(given);
      if (extra.isClosed) return false;
      if (this.#countByUser.get(caller.actor.id) >= MAX_CONNECTIONS_PER_USER)
        throw new AppError("OVERLOADED", "You have too many connections.");
      this.#countByUser.add(caller.actor.id, 1);
      extra.caller = caller;
      closeOnExpiry(extra, caller.expiresAtMs);
      return true;
    } catch (error) {
      const { code, message } = toAppError(error);
      extra.close(code === "UNAUTHENTICATED" ? CloseCode.Unauthorized : TRY_AGAIN_LATER, message);
      return false;
    }
  }

  #forget({ extra }: Connection): void {
    const { caller, expiry } = extra;
    extra.isClosed = true;
    clearTimeout(expiry);
    if (caller) this.#countByUser.add(caller.actor.id, -1);
  }

  #accept(
    { extra, subscriptions }: Connection,
    payload: SubscribePayload,
  ): ExecutionArgs | readonly GraphQLError[] {
    const { schema, createContext } = this.options;
    const count = Object.keys(subscriptions).length;
    if (count > MAX_SUBSCRIPTIONS_PER_CONNECTION) return [tooManySubscriptions(count)];
    const document = parseSubscription(payload, schema);
    if (Array.isArray(document)) {
      extra.refusalCount = (extra.refusalCount ?? 0) + 1;
      if (extra.refusalCount >= MAX_REFUSALS_PER_CONNECTION) {
        extra.close(CloseCode.BadRequest, "The client sent too many invalid subscriptions.");
      }
      return document as GraphQLError[];
    }
    const { id: requestId, log, request } = extra;
    const network = networkOf(request.socket.remoteAddress ?? "");
    const contextValue = createContext({ actor: extra.caller!.actor, requestId, log, network });
    const { operationName = null, variables: variableValues = null } = payload;
    return { schema, document: document as DocumentNode, operationName, variableValues, contextValue };
  }

  #show({ extra }: Connection, errors: readonly GraphQLError[]) {
    return errors.map((error) => {
      logOperationError(extra.log, error);
      const formatted = error.toJSON();
      const extensions = { code: "INTERNAL_SERVER_ERROR", ...formatted.extensions };
      return withRequestId(this.options.formatError({ ...formatted, extensions }, error), extra.id);
    });
  }
}

function tooManySubscriptions(actual: number): GraphQLError {
  const limit = MAX_SUBSCRIPTIONS_PER_CONNECTION;
  const message = `A connection may have up to ${limit} subscriptions.`;
  const originalError = new AppError("BAD_USER_INPUT", message, { limit, actual });
  return new GraphQLError(message, { originalError });
}

/** Closes the connection when its token expires. The client may reconnect with a new token. */
function closeOnExpiry(extra: Extra, expiresAtMs: number): void {
  const leftMs = expiresAtMs - Date.now();
  if (leftMs === Infinity) return;
  extra.expiry = setTimeout(
    () => {
      if (leftMs > MAX_TIMER_MS) closeOnExpiry(extra, expiresAtMs);
      else extra.close(CloseCode.Forbidden, "The token has expired.");
    },
    Math.min(leftMs, MAX_TIMER_MS),
  ).unref();
}
