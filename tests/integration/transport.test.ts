// Malformed, slow and incomplete requests on a raw connection. Each one is answered as the client's fault and leaves
// nothing behind. The next request on the connection is answered, unless the answer closed the connection.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp, UPLOAD, type Person } from "../support/test-app.ts";

/** For tests of slow clients. The other tests use the default timeouts. */
const shortTimeouts = {
  requestMs: 1_500,
  uploadGraceMs: 500,
  minUploadBytesPerSecond: 1_000,
  headersMs: 700,
  keepAliveMs: 5_000,
  stallMs: 5_000,
  checkIntervalMs: 100,
};

let app: TestApp;
let impatientApp: TestApp;
let temporaryFolder: string;
let person: Person;
let tracesBefore: Awaited<ReturnType<TestApp["traces"]>>;
beforeAll(async () => {
  // A separate folder, because other tests upload at the same time. The upload library reads TMPDIR for each upload.
  temporaryFolder = await mkdtemp(path.join(tmpdir(), "letsapp-transport-"));
  vi.stubEnv("TMPDIR", temporaryFolder);
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000000" });
  impatientApp = await TestApp.start({ UPLOADS_PER_MINUTE: "1000000" }, { timeouts: shortTimeouts });
});
afterAll(async () => {
  await app.stop();
  await impatientApp.stop();
  vi.unstubAllEnvs();
  await rm(temporaryFolder, { recursive: true });
});
beforeEach(async () => {
  person = await app.givenPerson();
  tracesBefore = await app.traces();
});

interface RawAnswer {
  status: number;
  headers: string;
  body: string;
}

/** A raw connection: sends bytes unchanged and reads answers one after another. */
class Connection {
  #received = Buffer.alloc(0);
  #isClosed = false;
  #wake = () => {};
  readonly socket: Socket;

  constructor(to: TestApp = app) {
    this.socket = connect(Number(new URL(to.baseUrl).port), "127.0.0.1");
    this.socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.socket.on("error", () => {}); // A reset ends the connection like any other end.
    this.socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Sends the result of `next` at each interval until the connection ends. */
  sendEvery(milliseconds: number, next: () => string | Buffer): void {
    const sending = setInterval(() => this.socket.writable && this.socket.write(next()), milliseconds);
    this.socket.on("close", () => clearInterval(sending));
  }

  /** The next answer, or null when the connection ends without one. */
  async answer(): Promise<RawAnswer | null> {
    for (;;) {
      const headEnd = this.#received.indexOf("\r\n\r\n");
      const head = this.#received.toString("latin1", 0, Math.max(0, headEnd));
      const bodyBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + bodyBytes;
      if (headEnd !== -1 && this.#received.length >= end) {
        const body = this.#received.toString("utf8", headEnd + 4, end);
        this.#received = this.#received.subarray(end);
        return { status: Number(head.slice(9, 12)), headers: head.toLowerCase(), body };
      }
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    while (!this.#isClosed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function request(route: string, headers: Record<string, string>, body: string | Buffer = ""): Buffer {
  const lines = Object.entries({
    host: "localhost",
    authorization: `Bearer ${person.token}`,
    "apollo-require-preflight": "true",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).filter(([, value]) => value !== "");
  const head = [`POST ${route} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""];
  return Buffer.concat([Buffer.from(head.join("\r\n")), Buffer.from(body)]);
}

const multipart = { "content-type": "multipart/form-data; boundary=x" };
const restRoute = () => `/api/users/${person.user.id}/profile-picture`;

function field(name: string, value: string): string {
  return `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}
function file(name: string, content: string, filename = "a.png"): string {
  return `--x\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: image/png\r\n\r\n${content}\r\n`;
}
const end = "--x--\r\n";
const healthRequest = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const operations = field("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
const map = field("map", '{"0":["variables.file"]}');
const theFile = file("0", "no picture");

/** Names in the temporary folder, except the folders of the services under test. */
async function temporaryFiles(): Promise<string[]> {
  return (await readdir(temporaryFolder)).filter((name) => !name.startsWith("letsapp-"));
}

async function expectNothingLeft(): Promise<void> {
  await expect.poll(temporaryFiles, { timeout: 10_000 }).toEqual([]);
  expect(await app.traces()).toEqual(tracesBefore);
}

/** A form and the answer that it gets: 400 and BAD_USER_INPUT by default. */
type Case = [what: string, body: string, status?: number, code?: string];

describe("a GraphQL form", () => {
  const operationsOf = (value: unknown) => field("operations", JSON.stringify(value));
  const manyFiles = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, [`variables.f${i}`]]));
  const manyPaths = Array.from({ length: 1000 }, (_, i) => `variables.files.${i}`);

  it.each<Case>([
    ["map before operations", map + operations + theFile + end],
    ["file before everything", theFile + operations + map + end],
    ["no operations", map + theFile + end],
    ["no map", operations + theFile + end],
    ["no file", operations + map + end, 200, "BAD_USER_INPUT"],
    ["a file of another name", operations + map + file("1", "x") + end, 200, "BAD_USER_INPUT"],
    ["only the closing boundary", end],
    ["operations that are not JSON", field("operations", "{") + map + theFile + end],
    ["operations that are null", field("operations", "null") + map + theFile + end],
    ["operations that are a number", field("operations", "7") + map + theFile + end],
    ["operations that are a string", field("operations", '"x"') + map + theFile + end],
    ["operations that are an empty array", field("operations", "[]") + map + theFile + end],
    ["operations twice", operations + operations + map + theFile + end],
    ["map twice", operations + map + map + theFile + end, 200],
    [
      "a few unknown fields",
      operations + map + field("a", "b").repeat(5) + theFile + end,
      200,
      "UNSUPPORTED_IMAGE_TYPE",
    ],
    [
      "a batch",
      operationsOf([{ query: UPLOAD, variables: { file: null } }]) +
        field("map", '{"0":["0.variables.file"]}') +
        theFile +
        end,
    ],
    ["a map that is not JSON", operations + field("map", "]") + theFile + end],
    ["a map that is null", operations + field("map", "null") + theFile + end],
    ["a map that is an array", operations + field("map", '[["variables.file"]]') + theFile + end],
    ["a map of strings", operations + field("map", '{"0":"variables.file"}') + theFile + end],
    ["a map of numbers", operations + field("map", '{"0":[7]}') + theFile + end],
    ["an empty map", operations + field("map", "{}") + theFile + end],
    ["a map with an empty list of paths", operations + field("map", '{"0":[]}') + theFile + end],
    ["a path to a missing variable", operations + field("map", '{"0":["variables.nobody"]}') + theFile + end],
    ["a path to a value that is not null", operations + field("map", '{"0":["query"]}') + theFile + end],
    ["an empty path", operations + field("map", '{"0":[""]}') + theFile + end],
    ["a path through a prototype", operations + field("map", '{"0":["__proto__.polluted"]}') + theFile + end],
    [
      "a path through a constructor",
      operations + field("map", '{"0":["constructor.prototype.polluted"]}') + theFile + end,
    ],
    [
      "operations with a prototype",
      field("operations", `{"__proto__":{"query":"{me{id}}"},"variables":{"file":null}}`) +
        map +
        theFile +
        end,
    ],
    ["a thousand files in the map", operations + field("map", JSON.stringify(manyFiles)) + theFile + end],
    [
      "one file for a thousand variables",
      operationsOf({ query: UPLOAD, variables: { files: manyPaths.map(() => null) } }) +
        field("map", JSON.stringify({ 0: manyPaths })) +
        theFile +
        end,
    ],
    [
      "a field of ten megabytes",
      field("operations", "x".repeat(10_000_000)) + map + theFile + end,
      413,
      "FILE_TOO_LARGE",
    ],
    [
      "a field of 300 kilobytes",
      operationsOf({ query: `${UPLOAD}#${"x".repeat(300_000)}`, variables: { file: null } }) +
        map +
        theFile +
        end,
    ],
    ["no final boundary", operations + map + theFile, 200, "BAD_USER_INPUT"],
    [
      "a filename of a megabyte",
      operations + map + file("0", "x", "n".repeat(1_000_000)) + end,
      200,
      "BAD_USER_INPUT",
    ],
    ["twenty thousand fields", operations + map + field("a", "b").repeat(20_000) + theFile + end, 200],
    ["binary data", "\0\xff\xfe\r\n--y\r\n".repeat(1000)],
    [
      "a boundary within the headers of a part",
      `--x\r\nContent-Disposition: form-data;\r\n--x\r\n\r\n${end}`,
    ],
    [
      "a large part without a name",
      `${operations}${map}--x\r\nContent-Disposition: form-data\r\n\r\n${"x".repeat(100_000)}\r\n${end}`,
      200,
      "BAD_USER_INPUT",
    ],
    [
      "a part without a name",
      `${operations}${map}--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n${end}`,
      200,
      "BAD_USER_INPUT",
    ],
    ["a file without content", operations + map + file("0", "") + end, 200, "BAD_USER_INPUT"],
  ])(
    "with %s gets its error, and the connection stays usable",
    async (_what, body, status = 400, code = "BAD_USER_INPUT") => {
      const connection = new Connection();

      const answer = await connection.send(request("/graphql", multipart, body)).answer();
      const next = await connection.send(healthRequest).answer();
      await connection.close();

      expect(answer?.status).toBe(status);
      expect(JSON.parse(answer!.body)).toMatchObject({ errors: [{ extensions: { code } }] });
      expect(next?.status).toBe(200);
      expect({}).not.toHaveProperty("polluted");
      await expectNothingLeft();
    },
  );
});

describe("a REST form", () => {
  const big = "x".repeat(100_000);
  it.each<Case>([
    ["only the closing boundary", end],
    ["no final boundary", theFile],
    ["a large part without a name", `--x\r\nContent-Disposition: form-data\r\n\r\n${big}\r\n${end}`],
    [
      "a large part without a disposition",
      `--x\r\nContent-Dispositio-data; name="file"\r\n\r\n${big}\r\n${end}`,
    ],
    ["a large part without headers", `--x\r\n\r\n${big}\r\n${end}`],
    ["a large file in another field", file("picture", big) + end],
    ["two files", file("file", big) + file("file", big) + end],
    ["a large field", field("note", "x".repeat(3_000_000)) + end, 413, "FILE_TOO_LARGE"],
    ["a thousand fields", field("a", "b").repeat(1000) + file("file", "x") + end],
    ["a file without content", file("file", "") + end],
    ["a file that is not a picture", file("file", big) + end, 415, "UNSUPPORTED_IMAGE_TYPE"],
    ["a file that is too large", file("file", "x".repeat(819_201)) + end, 413, "FILE_TOO_LARGE"],
    ["data before the first boundary", big + file("file", "x") + end],
    ["data after the closing boundary", file("file", "x") + end + big, 415, "UNSUPPORTED_IMAGE_TYPE"],
    ["part headers without an end", `--x\r\nContent-Disposition: form-data; name="file"; filename="${big}`],
    ["binary data", "\0\xff\xfe\r\n--y\r\n".repeat(10_000)],
  ])(
    "with %s gets its error, and the connection stays usable",
    async (_what, body, status = 400, code = "BAD_USER_INPUT") => {
      const connection = new Connection();

      const answer = await connection.send(request(restRoute(), multipart, body)).answer();
      const next = await connection.send(healthRequest).answer();
      await connection.close();

      expect(answer?.status).toBe(status);
      expect(JSON.parse(answer!.body)).toMatchObject({ success: false, code });
      expect(next?.status).toBe(200);
      await expectNothingLeft();
    },
  );
});

describe("a client", () => {
  const wholeForms = async () => {
    const picture = (await sampleImages.palettePng()).toString("latin1");
    return {
      graphql: request(
        "/graphql",
        multipart,
        Buffer.from(operations + map + file("0", picture) + end, "latin1"),
      ),
      rest: request(restRoute(), multipart, Buffer.from(file("file", picture) + end, "latin1")),
    };
  };

  it.each(["graphql", "rest"] as const)(
    "that disconnects at any byte leaves nothing behind: %s",
    async (door) => {
      const bytes = (await wholeForms())[door];
      const cuts = Array.from({ length: 40 }, (_, i) => Math.floor((bytes.length * i) / 40) + 1);

      for (const cut of cuts) {
        const connection = new Connection();
        connection.send(bytes.subarray(0, cut));
        await new Promise((resolve) => setTimeout(resolve, 5));
        await connection.close();
      }

      await expectNothingLeft();
      expect((await app.fetch("/healthz")).status).toBe(200);
    },
  );

  it.each(["graphql", "rest"] as const)(
    "that sends an upload one byte at a time is cut off after the grace period: %s",
    async (door) => {
      const bytes = (await wholeForms())[door];
      const connection = new Connection(impatientApp);
      const headEnd = bytes.indexOf("\r\n\r\n") + 4;
      connection.send(bytes.subarray(0, headEnd));
      let at = headEnd;
      connection.sendEvery(20, () => bytes.subarray(at, ++at));

      const answer = await connection.answer();
      await connection.close();

      expect(answer).toMatchObject({ status: 408, body: expect.stringContaining("BAD_USER_INPUT") });
      await expectNothingLeft();
    },
  );

  it.each(["graphql", "rest"] as const)(
    "that sends a large upload slowly but steadily gets it stored: %s",
    async (door) => {
      person = await impatientApp.givenPerson();
      const picture = (await sampleImages.jpegOfSize(70_000)).toString("latin1");
      const parts = { graphql: operations + map + file("0", picture), rest: file("file", picture) }[door];
      const route = door === "graphql" ? "/graphql" : restRoute();
      const bytes = request(route, multipart, Buffer.from(parts + end, "latin1"));
      const connection = new Connection(impatientApp);
      const startedAt = performance.now();
      let at = 0;
      connection.sendEvery(20, () => bytes.subarray(at, (at += 400))); // 20,000 bytes a second

      const answer = await connection.answer();
      await connection.close();

      expect(answer).toMatchObject({ status: 200, body: expect.stringContaining("successfully") });
      expect(performance.now() - startedAt).toBeGreaterThan(shortTimeouts.requestMs);
    },
  );

  it("that sends the start of an upload at once and then one byte at a time is cut off", async () => {
    const connection = new Connection(impatientApp);
    const startedAt = performance.now();
    connection.send(request(restRoute(), { ...multipart, "content-length": "800000" }, file("file", "x")));
    connection.sendEvery(20, () => "x");
    setTimeout(() => connection.send("x".repeat(2_000)), 100);

    const answer = await connection.answer();
    await connection.close();

    expect(answer?.status).toBe(408);
    expect(performance.now() - startedAt).toBeGreaterThan(1_900); // The first 2,000 bytes are worth two seconds.
  });

  it("that sends another body slowly is cut off after the request timeout", async () => {
    const json = { "content-type": "application/json", "content-length": "100000" };
    const connection = new Connection(impatientApp);
    const startedAt = performance.now();
    connection.send(request("/graphql", json, '{"query":"'));
    connection.sendEvery(20, () => "x".repeat(80));

    const answer = await connection.answer();
    await connection.close();

    expect(answer).toMatchObject({
      status: 408,
      body: expect.stringContaining("The request took too long."),
    });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it("that stops within an upload is cut off after the idle timeout", async () => {
    const hasty = await TestApp.start(
      {},
      { timeouts: { ...shortTimeouts, uploadGraceMs: 60_000, stallMs: 500 } },
    );
    person = await hasty.givenPerson();
    const connection = new Connection(hasty);
    connection.send(request(restRoute(), { ...multipart, "content-length": "800000" }, file("file", "x")));

    const answer = await connection.answer();
    const traces = await hasty.traces();
    await hasty.stop();

    expect(answer).toBeNull();
    expect(traces).toEqual({ records: 0, files: [] });
  });

  it.each([
    ["nothing at all", ""],
    ["half a header", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "],
  ])("that sends %s is cut off after the header timeout", async (_what, bytes) => {
    const connection = new Connection(impatientApp);

    const answer = await connection.send(bytes).answer();
    await connection.close();

    expect(answer).toMatchObject({
      status: 408,
      body: expect.stringContaining("The request took too long."),
    });
  });

  it("that never reads its answers is cut off", async () => {
    const owner = await impatientApp.givenPersonWithPicture(await sampleImages.jpegOfSize(700_000));
    const id = owner.mediaId;
    const connection = new Connection(impatientApp);
    const closed = new Promise((resolve) => connection.socket.on("close", resolve));
    connection.socket.pause();
    const picture = `GET /api/users/media/${id} HTTP/1.1\r\nHost: x\r\n\r\n`;
    connection.send(picture.repeat(40)); // 28 MB: more than the socket buffers of both ends hold.
    connection.sendEvery(100, () => picture);

    await closed;

    expect(connection.socket.bytesRead).toBeLessThan(40 * 700_000);
  }, 60_000);

  it.each(["graphql", "rest"] as const)("that never ends a chunked body is cut off: %s", async (door) => {
    const route = door === "rest" ? restRoute() : "/graphql";
    const start =
      door === "rest" ? file("file", "").slice(0, -2) : operations + map + file("0", "").slice(0, -2);
    const connection = new Connection();
    connection.send(request(route, { ...multipart, "content-length": "", "transfer-encoding": "chunked" }));
    connection.send(`${start.length.toString(16)}\r\n${start}\r\n`);
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    connection.sendEvery(2, () => chunk);

    const answer = await connection.answer();
    await connection.close();

    // The connection is reset while the client still sends, so a slow client may lose the answer.
    expect(answer?.body ?? "FILE_TOO_LARGE").toContain("FILE_TOO_LARGE");
    await expectNothingLeft();
  });

  it.each([
    ["larger", 100, "BAD_USER_INPUT"],
    ["smaller", -10, "BAD_USER_INPUT"],
  ])("whose Content-Length is %s than its body gets BAD_USER_INPUT", async (_what, difference, code) => {
    const body = operations + map + theFile + end;
    const connection = new Connection(impatientApp);
    connection.send(
      request("/graphql", { ...multipart, "content-length": String(body.length + difference) }, body),
    );

    const answer = await connection.answer();
    await connection.close();

    expect(answer?.body).toContain(code);
    await expectNothingLeft();
  });

  it.each([
    ["text that is not HTTP", "hello, is there anybody?\r\n\r\n", 400],
    [
      "two values of Content-Length",
      "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      400,
    ],
    [
      "both Content-Length and chunks",
      "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a negative Content-Length", "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400],
    [
      "a chunk without a size",
      "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      400,
    ],
    ["17 kilobytes of headers", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17_000)}\r\n\r\n`, 431],
  ])("that sends %s gets an error with a code", async (_what, bytes, status) => {
    const connection = new Connection();

    const answer = await connection.send(bytes).answer();
    await connection.close();

    expect(answer).toMatchObject({ status, body: expect.stringContaining('"code":"BAD_USER_INPUT"') });
  });
});

describe("a file that the service does not read", () => {
  it.each([
    [
      "without a token",
      { authorization: "" },
      operations + map + file("0", "x".repeat(500_000)) + end,
      "UNAUTHENTICATED",
    ],
    [
      "for another user",
      {},
      field(
        "operations",
        JSON.stringify({ query: UPLOAD, variables: { file: null, userId: "a".repeat(24) } }),
      ) +
        map +
        file("0", "x".repeat(500_000)) +
        end,
      "FORBIDDEN",
    ],
    [
      "with an invalid query",
      {},
      field(
        "operations",
        JSON.stringify({
          query: "mutation($file: Upload!) { nothing(file: $file) }",
          variables: { file: null },
        }),
      ) +
        map +
        file("0", "x".repeat(500_000)) +
        end,
      "GRAPHQL_VALIDATION_FAILED",
    ],
  ])("is discarded in an upload %s, and the connection stays usable", async (_why, headers, body, code) => {
    const connection = new Connection();

    const answer = await connection.send(request("/graphql", { ...multipart, ...headers }, body)).answer();
    const next = await connection.send(healthRequest).answer();
    await connection.close();

    expect(answer?.body).toContain(code);
    expect(next?.status).toBe(200);
    await expectNothingLeft();
  });
});
