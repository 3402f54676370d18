// How connections end when the service stops: nobody's request is lost. Used by `server.ts`, and by `app.ts` to stop.
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

import type { FastifyInstance } from "fastify";

import { until } from "../runtime/until.ts";

/** Long enough for a proxy to use each connection that it keeps once more, and to be told that it was the last time. */
const FAREWELL_MS = 1_000;

/** What is under way when the service stops has this long: a client that does not read its answer would keep us for ever. */
const STOP_GRACE_MS = 8_000;

/** So long may a turn of the event loop take in which nothing happens. */
const CALM_TURN_MS = 0.1;

/** Where there is none, we do not wait for it for ever. */
const CALM_WAIT_MS = 500;

/**
 * Nobody can connect any more, and then all else ends. The web server's own way is the other way round: while it still
 * listens it sends away those who are connected, and who then connect anew.
 */
export async function stopServer(app: FastifyInstance): Promise<void> {
  await untilNobodyWaits(app.server);
  Server.prototype.close.call(app.server); // Its own closes connections with nothing under way, too.
  await app.close();
}

/**
 * When the service stops, each answer is the last on its connection. Only after a while are those closed that have
 * nothing under way: a client may send a request at that very moment, and cannot know what became of it.
 *
 * @returns whether the service is stopping
 */
export function finishConnectionsOnStop(app: FastifyInstance): () => boolean {
  let isStopping = false;
  let impatience: NodeJS.Timeout;
  const { open, silent } = watchConnections(app.server);
  app.addHook("preClose", async () => {
    isStopping = true;
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

/**
 * The system makes connections before we take them: those that wait when we stop listening are cut, with the request on
 * them. So we do it right after a turn of the event loop that was short, and had none to take.
 */
async function untilNobodyWaits(server: HttpServer): Promise<void> {
  let takenCount = 0;
  const count = () => void takenCount++;
  server.on("connection", count);
  const giveUpAtMs = performance.now() + CALM_WAIT_MS;
  let isCalm = false;
  for (await setImmediate(); !isCalm && performance.now() < giveUpAtMs;) {
    const [startedAtMs, countBefore] = [performance.now(), takenCount];
    await setImmediate();
    isCalm = takenCount === countBefore && performance.now() - startedAtMs < CALM_TURN_MS;
  }
  server.off("connection", count);
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
