// The WebSocket of one client. Disconnects a client that does not answer pings or does not read its messages.
import type { FastifyBaseLogger } from "fastify";
import { CloseCode, MessageType } from "graphql-ws";
import type { WebSocket } from "ws";

/** Interval of pings. A client that has not answered a ping when the next one is due is disconnected. */
const PING_INTERVAL_MS = 20_000;

/** Limit for unread bytes. A normal client stays far below it, because it receives only what it requested. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Maximum length of the reason in a close frame. Source: RFC 6455, section 5.5. */
const MAX_REASON_BYTES = 123;

/** Close code. Source: IANA's WebSocket close code number registry. */
const INTERNAL_ERROR = 1011;

/** Types of messages that clients send. graphql-ws throws when a client sends a type that is for servers. */
const fromClients = new Set<unknown>([
  MessageType.ConnectionInit,
  MessageType.Ping,
  MessageType.Pong,
  MessageType.Subscribe,
  MessageType.Complete,
]);

/** The interface of a socket that graphql-ws needs. */
export interface LiveSocket {
  readonly protocol: string;
  send: (text: string) => Promise<void>;
  close: (code?: number, reason?: string) => void;
  onMessage: (listener: (text: string) => Promise<void>) => void;
  /** Answers a ping without the payload of the ping, which may be anything. */
  onPing: () => Promise<void>;
}

export function watchSocket(socket: WebSocket, log: FastifyBaseLogger): LiveSocket {
  let hasAnswered = true;
  const pings = setInterval(() => {
    if (!hasAnswered) return socket.terminate();
    hasAnswered = false;
    socket.ping();
  }, PING_INTERVAL_MS).unref();
  const disconnectIfUnread = () => {
    if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
  };
  socket
    .on("pong", () => (hasAnswered = true))
    .on("ping", disconnectIfUnread) // ws answers each ping, and the answers may pile up.
    .on("error", (error) => log.debug({ err: error }, "a WebSocket connection failed"))
    .on("close", () => clearInterval(pings));
  const send = (text: string) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve();
      socket.send(text, () => resolve()); // A failure closes the socket.
      disconnectIfUnread();
    });
  const close = (code?: number, reason?: string) => socket.close(code, reason && shorten(reason));
  return {
    protocol: socket.protocol,
    send,
    close,
    onPing: () => send(`{"type":"${MessageType.Pong}"}`),
    onMessage: (listener) => {
      const messages = new Messages(socket, listener, (error) => {
        log.error({ err: error }, "a WebSocket message could not be processed");
        close(INTERNAL_ERROR, "Something went wrong on our side.");
      });
      socket.on("message", (data) => messages.take(String(data)));
    },
  };
}

/** Passes on a client's messages in the order of their arrival. */
class Messages {
  #turn = Promise.resolve();
  /** Running operations, by the id that the client chose. A promise resolves when its operation has ended. */
  readonly #running = new Map<string, Promise<void>>();
  /** Ids of operations that the client has completed, and that are still running. */
  readonly #ending = new Set<string>();

  constructor(
    readonly socket: WebSocket,
    readonly listener: (text: string) => Promise<void>,
    readonly onFailure: (error: unknown) => void,
  ) {}

  take(text: string): void {
    this.#turn = this.#turn.then(() => this.#passOn(text)).catch(this.onFailure);
  }

  /** Delays an operation whose id belongs to one that is still ending, because graphql-ws would confuse the two. */
  async #passOn(text: string): Promise<void> {
    const { type, id = "" } = peek(text);
    if (!fromClients.has(type)) return this.socket.close(CloseCode.BadRequest, "Invalid message received");
    if (type === MessageType.Subscribe && this.#ending.has(id)) {
      this.socket.pause();
      await this.#running.get(id);
      this.socket.resume();
    }
    if (this.socket.readyState !== this.socket.OPEN) return;
    const dealt = this.listener(text).catch(this.onFailure);
    if (type === MessageType.Complete && this.#running.has(id)) this.#ending.add(id);
    if (type !== MessageType.Subscribe || this.#running.has(id)) return;
    this.#running.set(
      id,
      dealt.finally(() => {
        this.#running.delete(id);
        this.#ending.delete(id);
      }),
    );
  }
}

/** Reads two fields of a message without validation: graphql-ws validates the whole message. */
function peek(text: string): { type?: unknown; id?: string } {
  try {
    const { type, id } = Object(JSON.parse(text));
    return { type, ...(typeof id === "string" && { id }) };
  } catch {
    return {};
  }
}

function shorten(reason: string): string {
  let short = reason.slice(0, MAX_REASON_BYTES);
  while (Buffer.byteLength(short) > MAX_REASON_BYTES) short = short.slice(0, -1);
  return short;
}
