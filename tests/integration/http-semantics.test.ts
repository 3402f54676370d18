// HTTP semantics apart from the pictures: Host, methods, 401, caching, aborted bodies. Source: RFC 9110, RFC 9112.
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

/** Sends raw text. @returns the answer up to the chunk that contains `until`, or all of it */
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
    ["is a percent sign", "HTTP/1.1", "Host: %\r\n", 400],
    ["has a space", "HTTP/1.1", "Host: a b\r\n", 400],
    ["is a bracket", "HTTP/1.1", "Host: [\r\n", 400],
    ["is sent twice", "HTTP/1.1", "Host: a\r\nHost: a\r\n", 400],
    ["is missing from HTTP/1.1", "HTTP/1.1", "", 400],
  ])("that %s gets the same status from GraphQL and from a picture", async (_what, version, host, status) => {
    const graph = await send(graphqlRequest(version, host));
    const picture = await send(`GET /api/users/media/${person.mediaId} ${version}\r\n${host}\r\n`);

    expect([statusOf(graph), statusOf(picture)]).toEqual([status, status]);
  });
});

describe("HTTP methods", () => {
  it.each([
    ["PUT", () => `/api/users/media/${person.mediaId}`, "GET, HEAD, OPTIONS"],
    ["PATCH", () => `/api/users/${person.user.id}/profile-picture`, "GET, HEAD, POST, DELETE, OPTIONS"],
    ["DELETE", () => "/graphql", "GET, HEAD, POST, OPTIONS"],
    ["POST", () => "/healthz", "GET, HEAD, OPTIONS"],
  ])(
    "that a route does not take get 405 and the list of those that it takes: %s",
    async (method, route, allow) => {
      const response = await app.fetch(route(), { method });

      expect([response.status, response.headers.get("allow")?.split(", ").toSorted()]).toEqual([
        405,
        allow.split(", ").toSorted(),
      ]);
      expect(await response.json()).toMatchObject({ success: false, code: "BAD_USER_INPUT" });
    },
  );

  it("are listed in the answer to OPTIONS, also for a request without CORS headers", async () => {
    const response = await app.fetch(`/api/users/media/${person.mediaId}`, { method: "OPTIONS" });

    expect(response.status).toBe(204);
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("get 404 for an unknown route", async () => {
    expect((await app.fetch("/nothing/here", { method: "PUT" })).status).toBe(404);
  });

  it.each(["GET", "POST"])("other than OPTIONS get 400 for the target `*`: %s", async (method) => {
    expect(statusOf(await send(`${method} * HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`))).toBe(400);
  });
});

describe("a 401 answer", () => {
  it.each([
    ["REST without a token", () => app.deleteByRest({ user: person.user })],
    ["REST with a bad token", () => app.deleteByRest({ user: person.user, token: "no.such.token" })],
    [
      "GraphQL with a bad token",
      () =>
        app.fetch("/graphql?query={me{id}}", {
          headers: { authorization: "Bearer x", "apollo-require-preflight": "1" },
        }),
    ],
    [
      "a GraphQL form without a token",
      () =>
        app.fetch("/graphql", {
          method: "POST",
          body: new FormData(),
          headers: { "apollo-require-preflight": "1" },
        }),
    ],
  ])("names the Bearer scheme in WWW-Authenticate: %s", async (_door, ask) => {
    const response = await ask();

    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  });
});

it("GraphQL answers must not be stored by caches", async () => {
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

it("a client that disconnects within its request body is not logged as an error", async () => {
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
