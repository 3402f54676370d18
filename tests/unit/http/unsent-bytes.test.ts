// Checks which connections are closed when clients do not read their responses.
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

import { afterEach, expect, it } from "vitest";

import { UnsentBytes } from "../../../src/http/unsent-bytes.ts";

const MIB = 1024 * 1024;
const server = createServer();
/** The body of the next response: a part of some memory. */
let makeBody = () => Buffer.alloc(20 * MIB); // More than the system's buffers take.
const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
  server.removeAllListeners("request");
});

async function listen(maxBytes: number) {
  const unsent = new UnsentBytes(maxBytes);
  const responses: ServerResponse[] = [];
  server.on("request", (_request, response: ServerResponse) => {
    const body = makeBody();
    responses.push(response);
    response.end(body);
    unsent.add(response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = async () => {
    const before = responses.length;
    const client = connect(port, "127.0.0.1").on("error", () => {});
    clients.push(client.pause());
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => responses.length).toBe(before + 1);
    return client;
  };
  return { responses, ask };
}

it("closes the connections that have waited longest once too many bytes wait", async () => {
  const { responses, ask } = await listen(50 * MIB);
  for (let i = 0; i < 4; i++) await ask();
  await expect.poll(() => responses.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false]);

  clients[2]!.resume();
  await expect.poll(() => responses[2]!.writableFinished).toBe(true);
  await ask();

  await expect
    .poll(() => responses.map(({ destroyed }) => destroyed))
    .toEqual([true, true, true, false, false]);
});

it("counts memory that several responses share once", async () => {
  const shared = Buffer.alloc(20 * MIB);
  makeBody = () => shared;
  const { responses, ask } = await listen(50 * MIB);
  for (let i = 0; i < 5; i++) await ask();

  expect(responses.map(({ destroyed }) => destroyed)).toEqual(Array.from({ length: 5 }, () => false));
});

it("counts all of the memory behind a part", async () => {
  makeBody = () => Buffer.alloc(40 * MIB).subarray(0, 20 * MIB);
  const { responses, ask } = await listen(50 * MIB);
  for (let i = 0; i < 2; i++) await ask();

  await expect.poll(() => responses.map(({ destroyed }) => destroyed)).toEqual([true, false]);
});
