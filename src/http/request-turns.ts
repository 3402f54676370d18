// Serves pipelined requests, which a client sends before it has the response to the previous one. The requests of one
// connection run one after another, so that thousands of requests in one packet do not block the event loop.
import { ServerResponse, type IncomingMessage, type RequestListener } from "node:http";
import type { Socket } from "node:net";

/** Requests that may wait on one connection: more than a pipelining client sends. A browser sends one at a time. */
const MAX_WAITING_COUNT = 64;

/** Emits "turn" when all earlier responses on its connection are sent, and this response may be written. */
export class OrderedResponse extends ServerResponse {
  override assignSocket(socket: Socket): void {
    super.assignSocket(socket);
    this.emit("turn");
  }
}

/**
 * Calls `listener` for one request of a connection at a time. A request that had to wait starts in its own event-loop
 * turn. Closes a connection on which more than `MAX_WAITING_COUNT` requests wait.
 */
export function takingTurns(
  listener: RequestListener<typeof IncomingMessage, typeof OrderedResponse>,
): RequestListener<typeof IncomingMessage, typeof OrderedResponse> {
  const waitingCounts = new WeakMap<Socket, number>();
  return (request, response) => {
    if (response.socket) return listener(request, response);
    const { socket } = request;
    const waitingCount = (waitingCounts.get(socket) ?? 0) + 1;
    if (waitingCount > MAX_WAITING_COUNT) return void socket.destroy();
    waitingCounts.set(socket, waitingCount);
    response.once("turn", () => {
      waitingCounts.set(socket, waitingCounts.get(socket)! - 1);
      setImmediate(() => {
        if (!socket.destroyed) listener(request, response);
      });
    });
  };
}
