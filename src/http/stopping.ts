// How connections end when the service stops: nobody's request is lost. Used by `server.ts`.
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "node:net";

import type { FastifyInstance } from "fastify";

import { until } from "../domain/until.ts";

/** Long enough for a proxy to use each connection that it keeps once more, and to be told that it was the last time. */
const FAREWELL_MS = 1_000;

/**
 * Nobody can connect any more, and each answer is the last on its connection. Only after a while are those closed that
 * have nothing under way: a client may send a request at that very moment, and cannot know what became of it.
 *
 * @returns whether the service is stopping
 */
export function finishConnectionsOnStop(app: FastifyInstance): () => boolean {
  let isStopping = false;
  const silent = watchSilent(app.server);
  app.addHook("preClose", async () => {
    isStopping = true;
    Server.prototype.close.call(app.server); // The web server's own closes connections with nothing under way, too.
    await until(async () => (await countConnections(app.server)) === 0, FAREWELL_MS);
    for (const socket of silent) socket.destroy();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) reply.header("connection", "close");
  });
  return () => isStopping;
}

/** Connections on which nothing was ever asked: nobody counts them as idle. */
function watchSilent(server: HttpServer): Set<Socket> {
  const silent = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  server.on("request", ({ socket }) => silent.delete(socket));
  server.on("upgrade", ({ socket }) => silent.delete(socket));
  return silent;
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}
