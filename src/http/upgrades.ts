// Accepts WebSockets on one path, and serves every other request that asks for an upgrade as if it had not asked.
//
// Node emits "upgrade" for every request with an `Upgrade` header. Clients may ask for HTTP/2 in each request, and a
// server may ignore that. Source: RFC 9110, section 7.8.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Headers that are removed from a request whose upgrade is ignored. */
const upgradeHeaders = new Set(["connection", "upgrade", "http2-settings"]);

/** Node stores the response that is under way in this property of the socket. */
type AnsweringSocket = Duplex & { _httpMessage?: ServerResponse | null };

/** Ignored upgrades per connection. A normal client asks once, or in each of a few pipelined requests. */
const MAX_IGNORED_UPGRADE_COUNT = 64;

/** @param accept receives each request for a WebSocket on `path`, and the first bytes after it */
export function acceptWebSockets(
  server: Server,
  path: string,
  accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  const ignoredCounts = new WeakMap<Duplex, number>();
  const handle = (request: IncomingMessage, socket: AnsweringSocket, head: Buffer): void => {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    // The answer to an earlier request on the connection may still be under way.
    if (socket._httpMessage) {
      whenFree(socket, socket._httpMessage, () => handle(request, socket, head));
    } else if (isWebSocket && request.url?.split("?", 1)[0] === path) accept(request, socket, head);
    else {
      const count = (ignoredCounts.get(socket) ?? 0) + 1;
      ignoredCounts.set(socket, count);
      if (count > MAX_IGNORED_UPGRADE_COUNT) socket.destroy();
      else serveWithoutUpgrade(server, request, socket, head);
    }
  };
  server.on("upgrade", handle);
}

/** Calls `goOn` when `answer` is closed. Handles errors of the socket, because Node no longer listens for them. */
function whenFree(socket: Duplex, answer: ServerResponse, goOn: () => void): void {
  if (!socket.listeners("error").includes(destroy)) socket.on("error", destroy);
  answer.once("close", () => {
    if (!socket.destroyed) goOn();
  });
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** Puts the request back onto the connection without the upgrade, and lets the server parse it again. */
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
