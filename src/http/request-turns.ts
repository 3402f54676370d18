// Serves pipelined requests, which a client sends before it has the response to the previous one. The requests of one
// connection run one after another, so that thousands of requests in one packet do not block the event loop.
import { ServerResponse, type IncomingMessage, type RequestListener } from "node:http";
import type { Socket } from "node:net";

/** Requests that may wait on one connection: more than a pipelining client sends. A browser sends one at a time. */
const MAX_WAITING_COUNT = 64;

/** Headers of the requests that wait on one connection, in characters. */
const MAX_WAITING_CHARACTERS = 64 * 1024;

/** Emits "turn" when all earlier responses on its connection are sent, and this response may be written. */
export class OrderedResponse extends ServerResponse {
  override assignSocket(socket: Socket): void {
    super.assignSocket(socket);
    this.emit("turn");
  }
}

type Listener = RequestListener<typeof IncomingMessage, typeof OrderedResponse>;

/**
 * Returns a wrapper for the listeners of a server. The wrapped listener is called for one request of a connection at a
 * time. A request that had to wait starts in its own event-loop turn. Closes a connection on which too many requests wait.
 */
export function turnTaker(): (listener: Listener) => Listener {
  const waitingBySocket = new WeakMap<Socket, { count: number; characters: number }>();
  return (listener) => (request, response) => {
    if (response.socket) return listener(request, response);
    const { socket, rawHeaders, url = "" } = request;
    const waiting = waitingBySocket.get(socket) ?? { count: 0, characters: 0 };
    waitingBySocket.set(socket, waiting);
    const characters = rawHeaders.reduce((sum, text) => sum + text.length, url.length);
    waiting.count += 1;
    waiting.characters += characters;
    if (waiting.count > MAX_WAITING_COUNT || waiting.characters > MAX_WAITING_CHARACTERS)
      return void socket.destroy();
    response.once("turn", () => {
      waiting.count -= 1;
      waiting.characters -= characters;
      setImmediate(() => {
        if (!socket.destroyed) listener(request, response);
      });
    });
  };
}
