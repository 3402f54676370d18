// Subscriptions over WebSocket: which changes reach clients, the limits, and the refusals.
import { connect } from "node:net";

import { SignJWT } from "jose";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { LiveClient } from "../support/live-client.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TEST_SECRET, TestApp, type Person } from "../support/test-app.ts";

const CHANGED = `
  subscription ($userIds: [ID!]) {
    profilePictureChanged(userIds: $userIds) { id username email profilePicture { id viewCount } }
  }
`;

let app: TestApp;
let watcher: Person;
let owner: Person;
let bytes: Buffer;
const clients: LiveClient[] = [];

beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
  bytes = await sampleImages.onePixelPng();
});
beforeEach(async () => {
  [watcher, owner] = [await app.givenPerson(), await app.givenPerson()];
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await vi.waitUntil(() => app.app.liveChanges.listenerCount === 0); // No subscription is left.
});
afterAll(() => app.stop());

function givenClient(connectionParams: Record<string, unknown>, baseUrl = app.baseUrl): LiveClient {
  const client = new LiveClient(baseUrl, connectionParams);
  clients.push(client);
  return client;
}

/** A client whose subscription has started. */
async function givenListener(userIds?: string[] | null): Promise<LiveClient> {
  const client = givenClient({ authorization: `Bearer ${watcher.token}` });
  const before = app.app.liveChanges.listenerCount;
  client.subscribe(CHANGED, { userIds });
  await expect.poll(() => app.app.liveChanges.listenerCount).toBe(before + 1);
  return client;
}

async function upload({ token }: Person): Promise<string> {
  const { data, errors } = await app.upload({ bytes }, token);
  if (!data) throw new Error(errors[0]!.message);
  return data.uploadProfilePicture.media.id;
}

const changedPicture = ({ user }: Person, profilePicture: unknown) => ({
  data: { profilePictureChanged: { id: user.id, username: user.username, email: null, profilePicture } },
});

describe("a change of a picture", () => {
  it("reaches a subscriber once, within two seconds: upload, replacement, deletion, restoration", async () => {
    const client = await givenListener([owner.user.id]);
    const isToldNext = async (profilePicture: unknown) => {
      await expect
        .poll(() => client.told, { timeout: 2_000 })
        .toEqual([changedPicture(owner, profilePicture)]);
      client.told.splice(0);
    };

    const first = await upload(owner);
    await isToldNext({ id: first, viewCount: 0 });
    const second = await upload(owner);
    await isToldNext({ id: second, viewCount: 0 });
    await app.graphql(DELETE, {}, owner.token);
    await isToldNext(null);
    await app.graphql(`mutation { restoreProfilePicture(mediaId: "${first}") { success } }`, {}, owner.token);
    await isToldNext({ id: first, viewCount: 0 });

    await new Promise((resolve) => setTimeout(resolve, 1_200)); // Two more queries of the change feed.
    expect(client.told).toEqual([]);
  });

  it("reaches only the clients that subscribed to its owner or to all users", async () => {
    const [one, everybody, other] = [
      await givenListener([owner.user.id.toUpperCase(), watcher.user.id]),
      await givenListener(null),
      await givenListener([watcher.user.id]),
    ];
    const nobody = await givenListener([]);

    const id = await upload(owner);

    const told = [changedPicture(owner, { id, viewCount: 0 })];
    await expect.poll(() => [one.told, everybody.told]).toEqual([told, told]);
    expect([other.told, nobody.told]).toEqual([[], []]);
  });

  it("shows the e-mail address to its owner", async () => {
    watcher = owner;
    const own = await givenListener([owner.user.id]);

    await upload(owner);

    await expect.poll(() => own.told[0]?.data?.profilePictureChanged.email).toBe(owner.user.email);
  });

  it("of a deactivated user arrives as null", async () => {
    const client = await givenListener([owner.user.id]);
    await app.usersCollection.updateOne({ username: owner.user.username }, { $set: { is_active: false } });
    const [record] = await app.mediaCollection.find().limit(1).toArray();
    const uploader = (await app.usersCollection.findOne({ username: owner.user.username }))!._id;
    const { _id: _, ...copy } = record!;
    await app.mediaCollection.insertOne({ ...copy, uploader_id: uploader, changed_at: new Date() });

    await expect.poll(() => client.told).toEqual([{ data: { profilePictureChanged: null } }]);
  });

  it("no longer reaches a client that has ended its subscription", async () => {
    const client = givenClient({ authorization: `Bearer ${watcher.token}` });
    const stop = client.subscribe(CHANGED, { userIds: [owner.user.id] });
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(1);
    stop();
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(0);

    await upload(owner);

    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(client.told).toEqual([]);
  });

  it("costs two queries in total for all subscribers to the same user", async () => {
    const listeners: LiveClient[] = [];
    for (let i = 0; i < 10; i++) listeners.push(await givenListener([owner.user.id]));
    const queried: string[] = [];
    app.app.database.connection.set("debug", (collection: string, method: string, filter: object) => {
      const isOfChange = "changed_at" in filter || "is_leaving" in filter;
      if (method === "find" && !isOfChange) queried.push(collection);
    });
    const uploaded = await app.uploadByRest({ bytes }, owner); // GraphQL's loaders would add `find` queries.
    const { media_id: id } = (await uploaded.json()) as { media_id: string };

    await expect
      .poll(() => listeners.map(({ told }) => told))
      .toEqual(listeners.map(() => [changedPicture(owner, { id, viewCount: 0 })]));
    app.app.database.connection.set("debug", false);

    expect(queried.toSorted()).toEqual(["media", "users"]);
  });
});

describe("all subscriptions of one subscriber", () => {
  it("follow up to 5,000 users in total, over all connections, and others once some have ended", async () => {
    const ours = [0, 1].map(() => givenClient({ authorization: `Bearer ${watcher.token}` }));
    const ids = (from: number) =>
      Array.from({ length: 500 }, (_, i) => (from * 500 + i).toString(16).padStart(24, "0"));
    const subscribe = (client: LiveClient, from: number) => client.subscribe(CHANGED, { userIds: ids(from) });
    const before = app.app.liveChanges.listenerCount;
    const ends = Array.from({ length: 10 }, (_, i) => subscribe(ours[i % 2]!, i));
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(before + 10);

    subscribe(ours[0]!, 10);
    await expect
      .poll(() => ours[0]!.told)
      .toMatchObject([{ errors: [{ extensions: { code: "BAD_USER_INPUT", limit: 5_000, actual: 5_500 } }] }]);
    ends[0]!();
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(before + 9);
    subscribe(ours[1]!, 11);
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(before + 10);
  });
});

describe("subscriptions to one user", () => {
  it("are limited to 50 for each subscriber, over all connections", async () => {
    const ours = [0, 1, 2].map(() => givenClient({ authorization: `Bearer ${watcher.token}` }));
    for (let i = 0; i < 50; i++) ours[i % 3]!.subscribe(CHANGED, { userIds: [owner.user.id] });
    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(50);

    ours[0]!.subscribe(CHANGED, { userIds: [owner.user.id] });

    await expect
      .poll(() => ours[0]!.told)
      .toMatchObject([{ errors: [{ extensions: { code: "BAD_USER_INPUT", limit: 5_000, actual: 5_100 } }] }]);
    expect(app.app.liveChanges.listenerCount).toBe(50);
  });

  it("receive a change in groups of up to ten per event-loop turn", async () => {
    const own = new Set([owner.user.id]);
    let toldCount = 0;
    const listeners = Array.from({ length: 45 }, () => app.app.liveChanges.listen(watcher.user.id, own));
    const told = listeners.map((listener) => listener.next().then(() => toldCount++));
    const perTurn: number[] = [];
    const count = () => {
      perTurn.push(toldCount - perTurn.reduce((sum, each) => sum + each, 0));
      if (toldCount < 45) setImmediate(count);
    };
    await upload(owner);
    setImmediate(count);
    await Promise.all(told);
    await vi.waitUntil(() => perTurn.reduce((sum, each) => sum + each, 0) === 45);

    expect(Math.max(...perTurn)).toBeLessThanOrEqual(10);
    for (const listener of listeners) await listener.return!();
  });
});

describe("a connection", () => {
  it("is closed after 20 invalid subscriptions", async () => {
    const client = givenClient({ authorization: `Bearer ${watcher.token}` });
    for (let i = 0; i < 20; i++) client.subscribe("subscription { nothing }");

    await expect.poll(() => client.closed).toMatchObject({ code: 4400 });
    expect(client.closed!.reason).toBe("The client sent too many invalid subscriptions.");
  });

  const token = (claims: object, expiresInSeconds: number) =>
    new SignJWT({ type: "access", ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(watcher.user.id)
      .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
      .sign(new TextEncoder().encode(TEST_SECRET));

  it.each<[string, () => Promise<Record<string, unknown>>]>([
    ["without a token", async () => ({})],
    ["with a malformed token", async () => ({ authorization: "Bearer no.such.token" })],
    ["with an object in place of a token", async () => ({ authorization: { token: watcher.token } })],
    ["with an expired token", async () => ({ authorization: `Bearer ${await token({}, -60)}` })],
    [
      "with a refresh token",
      async () => ({ Authorization: `Bearer ${await token({ type: "refresh" }, 60)}` }),
    ],
  ])("%s is closed with 4401 and a reason", async (_what, params) => {
    const client = givenClient(await params());
    client.subscribe(CHANGED);

    await expect.poll(() => client.closed?.code).toBe(4401);
    expect(client.closed!.reason).toMatch(/[.]$/);
    expect(app.app.liveChanges.listenerCount).toBe(0);
  });

  it("accepts `Authorization` as the name of the token's parameter, too", async () => {
    const client = givenClient({ Authorization: `bearer ${watcher.token}` });

    await expect.poll(() => client.isConnected).toBe(true);
  });

  it("is closed when its token expires", async () => {
    const overdue = await token({}, -2); // Still valid: the clock tolerance is five seconds.
    expect((await app.graphql("{ me { id } }", {}, overdue)).errors).toEqual([]);
    const client = givenClient({ authorization: `Bearer ${overdue}` });
    client.subscribe(CHANGED);
    await expect.poll(() => client.isConnected).toBe(true);

    await expect
      .poll(() => client.closed, { timeout: 4_000 })
      .toMatchObject({ code: 4403, reason: "The token has expired." });
    expect((await app.graphql("{ me { id } }", {}, overdue)).errors[0]!.extensions.code).toBe(
      "UNAUTHENTICATED",
    );
  });

  it("refuses more than 20 subscriptions, and keeps the first 20", async () => {
    const client = givenClient({ authorization: `Bearer ${watcher.token}` });
    for (let i = 0; i < 22; i++) client.subscribe(CHANGED, { userIds: [owner.user.id] });

    await expect.poll(() => client.refusals.length).toBe(2);
    expect(client.refusals[0]).toMatchObject([
      { extensions: { code: "BAD_USER_INPUT", limit: 20, actual: 21 } },
    ]);
    expect(app.app.liveChanges.listenerCount).toBe(20);
  });

  it("can reuse the id of a completed subscription at once, and leaves no subscription behind", async () => {
    const { socket, heard } = await givenSocket();
    const subscribe = { id: "x", type: "subscribe", payload: { query: CHANGED } };
    for (let i = 0; i < 200; i++) {
      socket.send(JSON.stringify(subscribe));
      socket.send(JSON.stringify({ id: "x", type: "complete" }));
    }
    socket.send(JSON.stringify(subscribe));
    socket.send(JSON.stringify({ type: "ping" })); // Messages are answered in their order.
    await expect.poll(() => heard.map(({ type }) => type), { timeout: 60_000 }).toContain("pong");
    await expect.poll(() => app.app.liveChanges.listenerCount, { timeout: 60_000 }).toBe(1);

    await upload(owner);
    await expect.poll(() => heard.filter(({ type }) => type === "next")).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.close();

    await expect.poll(() => app.app.liveChanges.listenerCount).toBe(0);
    expect(heard.map(({ type }) => type)).toEqual(["connection_ack", "pong", "next"]);
  });

  it.each<[string, object, number]>([
    [
      "a duplicate subscription id of 400 bytes",
      { id: "é".repeat(200), type: "subscribe", payload: { query: CHANGED } },
      4409,
    ],
    ["a message that only servers send", { id: "x", type: "next", payload: {} }, 4400],
    ["a message of an invalid type", { type: ["subscribe"] }, 4400],
    ["null", null as never, 4400],
  ])("is closed for %s, and no error is logged", async (_what, message, code) => {
    const logged = vi.spyOn(app.app.server.log, "error");
    const { socket, closed } = await givenSocket();

    for (let i = 0; i < 2; i++) socket.send(JSON.stringify(message));

    expect(await closed).toBe(code);
    expect(logged).not.toHaveBeenCalled();
  });

  it("answers a ping without returning its payload", async () => {
    const { socket, heard } = await givenSocket();

    socket.send(`{"type":"ping","payload":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`);

    await expect.poll(() => heard).toEqual([{ type: "connection_ack" }, { type: "pong" }]);
  });

  /** A raw WebSocket whose token the server has accepted. */
  async function givenSocket() {
    const socket = new WebSocket(`${app.baseUrl.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    onTestFinished(() => socket.terminate());
    const heard: { type: string }[] = [];
    socket.on("message", (data) => heard.push(JSON.parse(String(data))));
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    await new Promise((resolve) => socket.on("open", resolve));
    const payload = { authorization: `Bearer ${watcher.token}` };
    socket.send(JSON.stringify({ type: "connection_init", payload }));
    await expect.poll(() => heard.length).toBe(1);
    return { socket, heard, closed };
  }

  it("does not count for the limit when it ends before its token is verified", async () => {
    const prove = app.app.tokens.prove.bind(app.app.tokens);
    const proving = vi.spyOn(app.app.tokens, "prove").mockImplementation(async (token) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return prove(token);
    });
    for (let i = 0; i < 60; i++) {
      const socket = new WebSocket(`${app.baseUrl.replace("http", "ws")}/graphql`, "graphql-transport-ws");
      socket.on("open", () => {
        const payload = { authorization: `Bearer ${watcher.token}` };
        socket.send(JSON.stringify({ type: "connection_init", payload }), () => socket.terminate());
      });
    }
    await expect.poll(() => proving.mock.calls.length, { timeout: 5_000 }).toBe(60);
    await Promise.all(proving.mock.results.map(({ value }) => value as Promise<unknown>));
    proving.mockRestore();

    const client = givenClient({ authorization: `Bearer ${watcher.token}` });

    await expect.poll(() => client.isConnected).toBe(true);
  });

  it("beyond 50 of one user is refused until another one closes", async () => {
    const params = { authorization: `Bearer ${watcher.token}` };
    const first = Array.from({ length: 50 }, () => givenClient(params));
    await expect.poll(() => first.every(({ isConnected }) => isConnected)).toBe(true);

    const refused = givenClient(params);
    await expect.poll(() => refused.closed?.code).toBe(1013);
    await first[0]!.close();
    const next = givenClient(params);

    await expect.poll(() => next.isConnected).toBe(true);
  });

  it("is closed with 1001 when the service stops", async () => {
    const other = await TestApp.start();
    const person = await other.givenPerson();
    const client = givenClient({ authorization: `Bearer ${person.token}` }, other.baseUrl);
    client.subscribe(CHANGED);
    await expect.poll(() => other.app.liveChanges.listenerCount).toBe(1);

    await other.stop();

    expect(client.closed).toMatchObject({ code: 1001 });
  });

  it("is counted in the metrics", async () => {
    await givenListener(null);

    const metrics = await (await app.fetch("/metrics")).text();

    expect(metrics).toMatch(/^live_connections [1-9]\d*$/m);
    expect(metrics).toMatch(/^live_subscriptions 1$/m);
  });
});

describe("an invalid subscription", () => {
  it.each<[string, string, Record<string, unknown>, object]>([
    ["a query", "{ me { id } }", {}, { code: "BAD_USER_INPUT" }],
    ["a mutation", "mutation { deleteProfilePicture { success } }", {}, { code: "BAD_USER_INPUT" }],
    ["a syntax error", "subscription {", {}, { code: "GRAPHQL_PARSE_FAILED" }],
    ["an unknown field", "subscription { pictureChanged { id } }", {}, { code: "GRAPHQL_VALIDATION_FAILED" }],
    [
      "a document with too many tokens",
      `subscription { profilePictureChanged { ${"id ".repeat(2000)} } }`,
      {},
      { code: "GRAPHQL_PARSE_FAILED" },
    ],
    [
      "a field that is skipped",
      "subscription { profilePictureChanged @skip(if: true) { id } }",
      {},
      { code: "GRAPHQL_VALIDATION_FAILED" },
    ],
    [
      "a field that depends on a variable, in a fragment",
      "subscription ($b: Boolean!) { ...F } fragment F on Subscription { ... @skip(if: $b) { profilePictureChanged { id @skip(if: $b) } } }",
      { b: false },
      { code: "GRAPHQL_VALIDATION_FAILED" },
    ],
    [
      "too many records in each event",
      `subscription { profilePictureChanged { ${"profilePicture { uploader { ".repeat(5)} id ${"} }".repeat(5)} } }`,
      {},
      { code: "GRAPHQL_VALIDATION_FAILED" },
    ],
    [
      "too many values in each event",
      `subscription { profilePictureChanged { ${"id ".repeat(200)} } }`,
      {},
      { code: "GRAPHQL_VALIDATION_FAILED" },
    ],
  ])("is refused with an error code: %s", async (_what, query, variables, extensions) => {
    const client = givenClient({ authorization: `Bearer ${watcher.token}` });
    client.subscribe(query, variables);

    await expect.poll(() => client.refusals).toMatchObject([[{ message: expect.any(String), extensions }]]);
  });

  it.each<[string, unknown, object]>([
    ["an invalid id", ["x"], { code: "BAD_USER_INPUT" }],
    [
      "too many ids",
      Array.from({ length: 501 }, () => "a".repeat(24)),
      { code: "BAD_USER_INPUT", limit: 500, actual: 501 },
    ],
    ["null in place of an id", [null], { code: "BAD_USER_INPUT" }],
  ])("gets an error event and no changes: %s", async (_what, userIds, extensions) => {
    const client = givenClient({ authorization: `Bearer ${watcher.token}` });
    client.subscribe(CHANGED, { userIds });

    await expect.poll(() => client.told).toMatchObject([{ errors: [{ extensions }] }]);
    expect(app.app.liveChanges.listenerCount).toBe(0);
  });

  it("over HTTP gets one validation error when it depends on a variable", async () => {
    const query =
      "subscription ($b: Boolean!) { profilePictureChanged @include(if: $b) { id @include(if: $b) } }";

    const { status, errors } = await app.graphql(query, { b: true });

    expect([status, errors[0]!.extensions.code]).toEqual([400, "GRAPHQL_VALIDATION_FAILED"]);
    expect(errors).toHaveLength(1);
  });

  it("over HTTP gets an error that points to WebSocket", async () => {
    const { status, errors } = await app.graphql(CHANGED, { userIds: null }, watcher.token);

    expect([status, errors[0]!.extensions.code]).toEqual([400, "BAD_USER_INPUT"]);
    expect(errors[0]!.message).toMatch(/WebSocket/);
  });
});

describe("a request to upgrade to another protocol", () => {
  /** Sends a request in one write. Resolves to the raw answer when the connection closes. */
  const answerTo = (lines: string[], body = "") =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(app.baseUrl).port), "127.0.0.1");
      let answer = "";
      socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
      socket.on("error", reject).on("close", () => resolve(answer));
      socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
    });
  const h2c = [
    "Host: x",
    "Connection: Upgrade, HTTP2-Settings, close",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
  ];

  it.each([
    ["HTTP/2", h2c],
    ["a WebSocket on another path", ["Host: x", "Connection: upgrade, close", "Upgrade: websocket"]],
  ])("is answered as if it had no Upgrade header: %s", async (_what, headers) => {
    const answer = await answerTo(["GET /healthz HTTP/1.1", ...headers]);

    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("is answered without an upgrade also when it has a body", async () => {
    const body = JSON.stringify({ query: "{ me { id } }" });
    const lines = [
      "POST /graphql HTTP/1.1",
      ...h2c,
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
    ];

    const answer = await answerTo(lines, body);

    expect(answer).toContain('{"data":{"me":null}}');
  });

  it("does not stop the service when its connection is reset", async () => {
    const port = Number(new URL(app.baseUrl).port);
    for (let i = 0; i < 60; i++) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      const upgrade = i % 2 === 0 ? h2c : ["Host: x", "Connection: upgrade", "Upgrade: websocket"];
      const lines = ["GET /readyz HTTP/1.1", "Host: x", "", "GET /graphql HTTP/1.1", ...upgrade, "", ""];
      await new Promise<void>((resolve) => socket.write(lines.join("\r\n"), () => resolve()));
      await new Promise((resolve) => setTimeout(resolve, i % 5));
      socket.resetAndDestroy();
    }

    expect((await app.fetch("/healthz")).status).toBe(200);
  });

  it("is answered after the earlier requests on its connection", async () => {
    const answer = await answerTo(["GET /readyz HTTP/1.1", "Host: x", "", "GET /healthz HTTP/1.1", ...h2c]);

    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });
});
