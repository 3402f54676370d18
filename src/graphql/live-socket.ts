// One client's WebSocket: tried from time to time, bounded in what waits for it. Used by `live-door.ts`.
import type { FastifyBaseLogger } from "fastify";
import { CloseCode, MessageType } from "graphql-ws";
import type { WebSocket } from "ws";

/** How often a connection is tried. One that has not answered until the next time is given up. */
const PING_INTERVAL_MS = 20_000;

/** What a client has not read yet. It is asked to read no more than it asks for, so no honest one comes near. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Of the words in a closing frame. Source: RFC 6455, section 5.5. */
const MAX_REASON_BYTES = 123;

/** Source: the registry of WebSocket close codes. */
const INTERNAL_ERROR = 1011;

/** What the protocol has clients send; it throws at what servers send. */
const fromClients = new Set<unknown>([
  MessageType.ConnectionInit,
  MessageType.Ping,
  MessageType.Pong,
  MessageType.Subscribe,
  MessageType.Complete,
]);

/** What the protocol's library needs of a socket. */
export interface LiveSocket {
  readonly protocol: string;
  send: (text: string) => Promise<void>;
  close: (code?: number, reason?: string) => void;
  onMessage: (listener: (text: string) => Promise<void>) => void;
  /** Answers without what came with the ping, which may be anything. */
  onPing: () => Promise<void>;
}

export function watchSocket(socket: WebSocket, log: FastifyBaseLogger): LiveSocket {
  let hasAnswered = true;
  const pings = setInterval(() => {
    if (!hasAnswered) return socket.terminate();
    hasAnswered = false;
    socket.ping();
  }, PING_INTERVAL_MS).unref();
  const assertReads = () => {
    if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
  };
  socket
    .on("pong", () => (hasAnswered = true))
    .on("ping", assertReads) // Each is answered by the library.
    .on("error", (error) => log.debug({ err: error }, "a live connection broke"))
    .on("close", () => clearInterval(pings));
  const send = (text: string) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve();
      socket.send(text, () => resolve()); // Where it fails, the socket closes.
      assertReads();
    });
  const close = (code?: number, reason?: string) => socket.close(code, reason && shorten(reason));
  return {
    protocol: socket.protocol,
    send,
    close,
    onPing: () => send(`{"type":"${MessageType.Pong}"}`),
    onMessage: (listener) => {
      const messages = new Messages(socket, listener, (error) => {
        log.error({ err: error }, "a message of a live connection could not be dealt with");
        close(INTERNAL_ERROR, "Something went wrong on our side.");
      });
      socket.on("message", (data) => messages.take(String(data)));
    },
  };
}

/** A client's messages, in the order in which they came. */
class Messages {
  #turn = Promise.resolve();
  /** Until each operation has ended, by the id that its client gave it. */
  readonly #running = new Map<string, Promise<void>>();
  /** Those of which the client has heard enough, and which have not ended yet. */
  readonly #ending = new Set<string>();

  constructor(
    readonly socket: WebSocket,
    readonly listener: (text: string) => Promise<void>,
    readonly onFailure: (error: unknown) => void,
  ) {}

  take(text: string): void {
    this.#turn = this.#turn.then(() => this.#passOn(text)).catch(this.onFailure);
  }

  /** An operation's id is free again when that has ended: the library would take the old one for the new one. */
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

/** Nothing of it is believed: the library looks at the whole. */
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
