// What HTTP says of requests and answers beside the pictures themselves. Source: RFC 9110, RFC 9112.
import { connect } from "node:net";
import { Writable } from "node:stream";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
let person: Person & { mediaId: string };

beforeAll(async () => {
  app = await TestApp.start({ LOG_LEVEL: "error" });
  person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
  await (await app.picture(person.mediaId)).arrayBuffer();
});
afterAll(() => app.stop());

/** Sends bytes as they are. @returns the answer's first line, or all of it */
function send(text: string, until = "\r\n\r\n"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(app.baseUrl).port), "127.0.0.1");
    let answer = "";
    socket
      .on("data", (chunk) => {
        answer += chunk.toString("latin1");
        if (answer.includes(until)) socket.destroy();
      })
      .on("close", () => resolve(answer))
      .on("error", reject);
    socket.write(text);
  });
}

const statusOf = (answer: string) => Number(answer.split(" ")[1]);
const graphqlBody = '{"query":"{ __typename }"}';
const graphqlRequest = (line: string, host: string) =>
  `POST /graphql ${line}\r\n${host}Content-Type: application/json\r\nContent-Length: ${graphqlBody.length}\r\nConnection: close\r\n\r\n${graphqlBody}`;

describe("a Host header", () => {
  it.each([
    ["is missing from HTTP/1.0", "HTTP/1.0", "", 200],
    ["is empty", "HTTP/1.1", "Host: \r\n", 200],
    ["has a large port", "HTTP/1.1", "Host: x:99999\r\n", 200],
    ["is an IPv6 address", "HTTP/1.1", "Host: [::1]:4000\r\n", 200],
    ["is a per cent sign", "HTTP/1.1", "Host: %\r\n", 400],
    ["has a space", "HTTP/1.1", "Host: a b\r\n", 400],
    ["is a bracket", "HTTP/1.1", "Host: [\r\n", 400],
    ["comes twice", "HTTP/1.1", "Host: a\r\nHost: a\r\n", 400],
    ["is missing from HTTP/1.1", "HTTP/1.1", "", 400],
  ])("that %s: the graph and a picture agree", async (_what, version, host, status) => {
    const graph = await send(graphqlRequest(version, host));
    const picture = await send(`GET /api/users/media/${person.mediaId} ${version}\r\n${host}\r\n`);

    expect([statusOf(graph), statusOf(picture)]).toEqual([status, status]);
  });
});

describe("a method that an address does not take", () => {
  it.each([
    ["PUT", () => `/api/users/media/${person.mediaId}`, "GET, HEAD, OPTIONS"],
    ["PATCH", () => `/api/users/${person.user.id}/profile-picture`, "POST, DELETE, GET, HEAD, OPTIONS"],
    ["DELETE", () => "/graphql", "GET, HEAD, POST, OPTIONS"],
    ["POST", () => "/healthz", "GET, HEAD, OPTIONS"],
  ])("is answered 405 with those that it takes: %s", async (method, route, allow) => {
    const response = await app.fetch(route(), { method });

    expect([response.status, response.headers.get("allow")?.split(", ").toSorted()]).toEqual([
      405,
      allow.split(", ").toSorted(),
    ]);
    expect(await response.json()).toMatchObject({ success: false, code: "BAD_USER_INPUT" });
  });

  it("is asked for by OPTIONS, without CORS as well", async () => {
    const response = await app.fetch(`/api/users/media/${person.mediaId}`, { method: "OPTIONS" });

    expect(response.status).toBe(204);
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("is not asked for where there is nothing", async () => {
    expect((await app.fetch("/nothing/here", { method: "PUT" })).status).toBe(404);
  });

  it.each(["GET", "POST"])("has an address: %s takes no asterisk", async (method) => {
    expect(statusOf(await send(`${method} * HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`))).toBe(400);
  });
});

describe("an answer that a token is wanted", () => {
  it.each([
    ["plain HTTP, without one", () => app.deleteByRest({ user: person.user })],
    ["plain HTTP, with a bad one", () => app.deleteByRest({ user: person.user, token: "no.such.token" })],
    [
      "GraphQL, with a bad one",
      () =>
        app.fetch("/graphql?query={me{id}}", {
          headers: { authorization: "Bearer x", "apollo-require-preflight": "1" },
        }),
    ],
    [
      "a form for GraphQL, without one",
      () =>
        app.fetch("/graphql", {
          method: "POST",
          body: new FormData(),
          headers: { "apollo-require-preflight": "1" },
        }),
    ],
  ])("says how: %s", async (_door, ask) => {
    const response = await ask();

    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  });
});

it("answers of the graph are stored nowhere", async () => {
  const answers = await Promise.all([
    app.fetch("/graphql?query={__typename}", { headers: { "apollo-require-preflight": "1" } }),
    app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: graphqlBody,
    }),
    app.fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body: "{" }),
  ]);

  expect(answers.map(({ headers }) => headers.get("cache-control"))).toEqual([
    "no-store",
    "no-store",
    "no-store",
  ]);
});

it("a client that goes away within a body is not our fault", async () => {
  const lines: string[] = [];
  const log = app.app.server.log as unknown as Record<symbol, Writable>;
  const stream = Object.getOwnPropertySymbols(log).find(
    (symbol) => String(symbol) === "Symbol(pino.stream)",
  )!;
  const before = log[stream]!;
  log[stream] = { write: (line: string) => lines.push(line) } as unknown as Writable;

  for (const body of ['{"query":"{__ty', ""]) {
    const socket = connect(Number(new URL(app.baseUrl).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n${body}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  log[stream] = before;

  expect(lines.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
});
