// Connections that clients want to turn into something else: WebSockets on one path. Used by `graphql/live-door.ts`.
//
// Once a server listens for upgrades, Node hands over every request that names one. HTTP says that a server may ignore
// them, and some clients name HTTP/2 with each request: those are served as if they had not.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Belong to the connection, and to the upgrade alone. */
const upgradeHeaders = new Set(["connection", "upgrade", "http2-settings"]);

/** Node keeps the answer that is under way on its connection. */
type AnsweringSocket = Duplex & { _httpMessage?: ServerResponse | null };

/** A client that names an upgrade does so with one request, or with each of the few that it has under way. */
const MAX_BEGINNINGS = 64;

/** @param accept is given each request for a WebSocket on `path`, and the first bytes behind it */
export function acceptWebSockets(
  server: Server,
  path: string,
  accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  const beginnings = new WeakMap<Duplex, number>();
  const handle = (request: IncomingMessage, socket: AnsweringSocket, head: Buffer): void => {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    // A client may not have waited for the answer to what it asked before.
    if (socket._httpMessage) {
      whenFree(socket, socket._httpMessage, () => handle(request, socket, head));
    } else if (isWebSocket && request.url?.split("?", 1)[0] === path) accept(request, socket, head);
    else {
      const count = (beginnings.get(socket) ?? 0) + 1;
      beginnings.set(socket, count);
      if (count > MAX_BEGINNINGS) socket.destroy();
      else serveWithoutUpgrade(server, request, socket, head);
    }
  };
  server.on("upgrade", handle);
}

/** The connection may end before: Node does not listen to it any more, and nobody else does yet. */
function whenFree(socket: Duplex, answer: ServerResponse, goOn: () => void): void {
  if (!socket.listeners("error").includes(destroy)) socket.on("error", destroy);
  answer.once("close", () => {
    if (!socket.destroyed) goOn();
  });
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** The connection begins anew, with the same request without its wish. */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (!upgradeHeaders.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  const wantsClose = /\bclose\b/i.test(request.headers.connection ?? "");
  if (wantsClose) lines.push("Connection: close");
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}
