// One client's WebSocket: tried from time to time, bounded in what waits for it. Used by `live-door.ts`.
import type { FastifyBaseLogger } from "fastify";
import type { WebSocket } from "ws";

/** How often a connection is tried. One that has not answered until the next time is given up. */
const PING_INTERVAL_MS = 20_000;

/** What a client has not read yet. It is asked to read no more than it asks for, so no honest one comes near. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** What the protocol's library needs of a socket. */
export interface LiveSocket {
  readonly protocol: string;
  send: (text: string) => Promise<void>;
  close: (code?: number, reason?: string) => void;
  onMessage: (listener: (text: string) => Promise<void>) => void;
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
  return {
    protocol: socket.protocol,
    send: (text) =>
      new Promise((resolve) => {
        if (socket.readyState !== socket.OPEN) return resolve();
        socket.send(text, () => resolve()); // Where it fails, the socket closes.
        assertReads();
      }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (listener) => {
      socket.on("message", (data) => {
        listener(String(data)).catch((error: unknown) => {
          log.error({ err: error }, "a message of a live connection could not be dealt with");
          socket.close(1011, "Something went wrong on our side.");
        });
      });
    },
  };
}
