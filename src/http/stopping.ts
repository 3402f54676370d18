// How connections end when the service stops: nobody's request is lost. Used by `server.ts`.
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "node:net";

import type { FastifyInstance } from "fastify";

import { until } from "../domain/until.ts";

/** Long enough for a proxy to use each connection that it keeps once more, and to be told that it was the last time. */
const FAREWELL_MS = 1_000;

/** What is under way when the service stops has this long: a client that does not read its answer would keep us for ever. */
const STOP_GRACE_MS = 8_000;

/**
 * Nobody can connect any more, and each answer is the last on its connection. Only after a while are those closed that
 * have nothing under way: a client may send a request at that very moment, and cannot know what became of it.
 *
 * @returns whether the service is stopping
 */
export function finishConnectionsOnStop(app: FastifyInstance): () => boolean {
  let isStopping = false;
  let impatience: NodeJS.Timeout;
  const { open, silent } = watchConnections(app.server);
  app.addHook("preClose", async () => {
    isStopping = true;
    Server.prototype.close.call(app.server); // The web server's own closes connections with nothing under way, too.
    impatience = setTimeout(() => destroyAll(open), STOP_GRACE_MS).unref();
    await until(() => open.size === 0, FAREWELL_MS);
    destroyAll(silent);
  });
  app.addHook("onClose", async () => clearTimeout(impatience));
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) reply.header("connection", "close");
  });
  return () => isStopping;
}

interface Connections {
  /** Node forgets those that wait to become something else. */
  open: ReadonlySet<Socket>;
  /** Nothing was ever asked on them, and nobody counts them as idle. */
  silent: ReadonlySet<Socket>;
}

function watchConnections(server: HttpServer): Connections {
  const [open, silent] = [new Set<Socket>(), new Set<Socket>()];
  server.on("connection", (socket: Socket) => {
    if (open.has(socket)) return; // It begins anew, without the upgrade that it wanted.
    open.add(socket);
    silent.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      silent.delete(socket);
    });
  });
  server.on("request", ({ socket }) => silent.delete(socket));
  server.on("upgrade", ({ socket }) => silent.delete(socket));
  return { open, silent };
}

function destroyAll(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy();
}
