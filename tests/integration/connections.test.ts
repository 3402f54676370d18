// Bounds on the cost of one connection: bodies in tiny pieces, and pipelined requests.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
let person: Person;
beforeAll(async () => {
  app = await TestApp.start({ LOG_LEVEL: "silent", UPLOADS_PER_MINUTE: "1000" });
  person = await app.givenPerson();
});
afterAll(() => app.stop());

function open(): Socket {
  return connect(Number(new URL(app.baseUrl).port), "127.0.0.1").on("error", () => {});
}

/** Sends bytes. @returns everything that the service sends until it closes the connection */
async function exchange(bytes: Buffer | string): Promise<string> {
  const socket = open();
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
  socket.write(bytes);
  await once(socket, "close");
  return answer;
}

const statusesOf = (answers: string) =>
  [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** The body in chunks of `pieceBytes` each. Source: RFC 9112, section 7.1. */
function inChunks(body: Buffer, pieceBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

async function formOf(bytes: Buffer): Promise<{ type: string; body: Buffer }> {
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(bytes)]), "picture.jpg");
  const request = new Request("http://localhost", { method: "POST", body: form });
  return { type: request.headers.get("content-type")!, body: Buffer.from(await request.arrayBuffer()) };
}

async function uploadInChunks(picture: Buffer, pieceBytes: number): Promise<string> {
  const { type, body } = await formOf(picture);
  const head = [
    `POST /api/users/${person.user.id}/profile-picture HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${person.token}`,
    `Content-Type: ${type}`,
    "Transfer-Encoding: chunked",
    "Connection: close",
  ];
  return exchange(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), inChunks(body, pieceBytes)]));
}

describe("a body in small chunks", () => {
  it.each([
    [1, () => sampleImages.flatPng(4, 4)],
    [7, () => sampleImages.flatPng(4, 4)],
    ...[100, 511, 4095, 4096, 70_000].map((size) => [size, sampleImages.plainJpeg] as const),
  ] as const)("is the same file: %i bytes each", async (pieceBytes, make) => {
    const picture = await make();
    const answer = await uploadInChunks(picture, pieceBytes);
    const { media_id } = JSON.parse(answer.slice(answer.indexOf('{"success"'), answer.lastIndexOf("}") + 1));

    expect(statusesOf(answer)).toEqual([200]);
    const stored = Buffer.from(await (await app.picture(media_id)).arrayBuffer());
    expect(stored.equals(picture)).toBe(true);
  });

  it.each([
    ["/graphql", "application/json"],
    ["/api/users/000000000000000000000000/profile-picture", "multipart/form-data; boundary=x"],
    ["/nothing", "text/plain"],
    ["/healthz", "text/plain"],
  ])("gets 400 when there are too many of them: %s", async (route, type) => {
    const head = `POST ${route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const body = inChunks(Buffer.alloc(200_000, " "), 1);

    const answer = await exchange(Buffer.concat([Buffer.from(head), body]));

    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain('"message":"The body comes in too many small pieces."');
  });

  it("of an upload is refused when there are too many of them, and nothing is stored", async () => {
    const before = await app.traces();
    const answer = await uploadInChunks(await sampleImages.jpegOfSize(100_000), 1);

    expect(statusesOf(answer)).toEqual([400]);
    expect(await app.traces()).toEqual(before);
  });
});

describe("pipelined requests", () => {
  const graphql = (query: string, more = "") => {
    const body = JSON.stringify({ query });
    return `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  };
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

  it("are answered in their order, whichever part of the service answers them", async () => {
    const { mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const picture = `/api/users/media/${mediaId}`;
    const requests = [
      graphql("{ a: __typename }"),
      get(picture, "If-None-Match: *\r\n"),
      get("/nothing"),
      graphql("{ b: __typename }"),
      get("/healthz"),
      get("/api/users/media/none"),
      get("*"),
      get("/healthz", "Connection: close\r\n"),
    ];

    expect(statusesOf(await exchange(requests.join("")))).toEqual([200, 304, 404, 200, 200, 400, 400]);
  });

  it("are all answered up to 64 waiting ones", async () => {
    const answers = await exchange(get("/healthz").repeat(64) + get("/healthz", "Connection: close\r\n"));

    expect(statusesOf(answers)).toEqual(Array.from({ length: 65 }, () => 200));
  });

  it.each([
    ["GET", get("/healthz")],
    ["POST", graphql("{ __typename }")],
    ["upgrade", get("/healthz", "Connection: upgrade\r\nUpgrade: h2c\r\n")],
  ])("end the connection when a thousand wait: %s", async (_what, request) => {
    const statuses = statusesOf(await exchange(request.repeat(1000)));

    expect(statuses.length).toBeLessThan(100);
    expect((await app.fetch("/healthz")).status).toBe(200);
  });

  it("end the connection when the headers of those that wait are large", async () => {
    const statuses = statusesOf(
      await exchange(get("/healthz", `X-Large: ${"x".repeat(15_000)}\r\n`).repeat(60)),
    );

    expect(statuses.length).toBeLessThan(20);
  });

  it("with an unknown expectation are refused in their turn", async () => {
    const refused = get("/healthz", "Expect: a miracle\r\n");

    expect(statusesOf(await exchange(get("/healthz") + refused))).toEqual([200, 417]);
  });

  it("leave the event loop to other clients in between", async () => {
    const order: string[] = [];
    const socket = open();
    socket.on("data", (chunk) => {
      for (const _status of statusesOf(chunk.toString("latin1"))) order.push("pipelined");
    });
    await once(socket, "connect");
    socket.write(get("/metrics").repeat(60));
    await once(socket, "data");
    await app.fetch("/healthz");
    order.push("other");
    while (order.length < 61) await once(socket, "data");
    socket.destroy();

    expect(order.indexOf("other")).toBeLessThan(60);
  });
});

describe("a picture", () => {
  it("is found by an absolute target, and by a path with encoded characters", async () => {
    const { mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const targets = [`http://any.example/api/users/media/${mediaId}`, `/api/users/medi%61/${mediaId}`];
    const answers = targets.map((target) =>
      exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    );

    expect((await Promise.all(answers)).flatMap(statusesOf)).toEqual([200, 200]);
  });

  it("keeps its form for as long as its record, and is made again after the record changes", async () => {
    const { mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const { media } = app.app;
    const original = { kind: "original" } as const;
    const first = await media.getPicture(mediaId, original);

    expect(await media.getPicture(mediaId, original)).toBe(first);
    app.app.mediaCache.forget(mediaId);
    expect(await media.getPicture(mediaId, original)).not.toBe(first);
  });
});
