// Closes connections when the service stops, so that no request is lost.
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

import type { FastifyInstance } from "fastify";

import { until } from "../runtime/until.ts";

/** How long idle connections stay open: a proxy uses each of them once more, and receives `Connection: close`. */
const IDLE_DRAIN_MS = 1_000;

/** How long requests may take after the stop. A client that does not read its answer would keep the process alive. */
const STOP_GRACE_MS = 8_000;

/** Maximum duration of an event-loop turn in which nothing happens. */
const CALM_TURN_MS = 0.1;

/** How long `stopServer` waits for such a turn. */
const CALM_WAIT_MS = 500;

/**
 * Stops listening first, and then closes everything else. The web framework itself uses the opposite order: it closes
 * connections while it still listens, and their clients connect again.
 */
export async function stopServer(app: FastifyInstance): Promise<void> {
  await untilBacklogIsEmpty(app.server);
  Server.prototype.close.call(app.server); // `http.Server.close` would close idle connections, too.
  await app.close();
}

/**
 * Makes each answer the last on its connection when the service stops. Idle connections close only after
 * `IDLE_DRAIN_MS`: a client may send a request while its connection closes, and cannot know whether it was processed.
 *
 * @returns a function that returns true when the service is stopping
 */
export function finishConnectionsOnStop(app: FastifyInstance): () => boolean {
  let isStopping = false;
  let graceTimer: NodeJS.Timeout;
  const { open, silent } = watchConnections(app.server);
  app.addHook("preClose", async () => {
    isStopping = true;
    graceTimer = setTimeout(() => destroyAll(open), STOP_GRACE_MS).unref();
    await until(() => open.size === 0, IDLE_DRAIN_MS);
    destroyAll(silent);
  });
  app.addHook("onClose", async () => clearTimeout(graceTimer));
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) reply.header("connection", "close");
  });
  return () => isStopping;
}

/**
 * Waits for an event-loop turn that was short and accepted no connection. The kernel makes connections before Node
 * accepts them, and cuts those that still wait when the server stops listening, together with their requests.
 */
async function untilBacklogIsEmpty(server: HttpServer): Promise<void> {
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
  /** All open connections. Node itself does not track connections that ask for an upgrade. */
  open: ReadonlySet<Socket>;
  /** Connections without a request so far. Node does not count them as idle. */
  silent: ReadonlySet<Socket>;
}

function watchConnections(server: HttpServer): Connections {
  const [open, silent] = [new Set<Socket>(), new Set<Socket>()];
  server.on("connection", (socket: Socket) => {
    if (open.has(socket)) return; // `upgrades.ts` emits a connection again when it ignores an upgrade.
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
