// Checks that `stopServer` answers requests on connections that the system has made and Node has not accepted yet.
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { fastify } from "fastify";
import { expect, it } from "vitest";

import { finishConnectionsOnStop, stopServer } from "../../../src/http/stopping.ts";

it("answers every client that connected before the server stopped listening", async () => {
  const app = fastify({ return503OnClosing: false });
  finishConnectionsOnStop(app);
  app.get("/", async () => "here you are");
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;

  const sockets = Array.from({ length: 20 }, () => connect(port, "127.0.0.1")); // Within one event-loop turn.
  for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const answers = sockets.map((socket) => text(socket));
  const stopping = stopServer(app);
  const [answered] = await Promise.all([Promise.allSettled(answers), stopping]);
  const late = await once(connect(port, "127.0.0.1"), "connect").catch((error: unknown) => error);

  for (const answer of answered)
    expect(answer).toMatchObject({ value: expect.stringContaining("here you are") });
  expect(late).toMatchObject({ code: "ECONNREFUSED" });
});
