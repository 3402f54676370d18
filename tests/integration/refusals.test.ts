// Bad input is refused by GraphQL and REST with the same errors, and leaves nothing behind.
import { Agent, request as httpRequest } from "node:http";

import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { bearer, DELETE, TestApp, toBlob, UPLOAD, type Person } from "../support/test-app.ts";

let app: TestApp;
let person: Person;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  person = await app.givenPerson();
});

interface Refusal {
  code: string;
  message: string;
  [detail: string]: unknown;
}

/** Uploads one file through GraphQL and through REST. Returns both refusals, which have to be the same. */
async function refusals(
  bytes: Buffer,
  filename = "picture.png",
): Promise<{ graphql: Refusal; rest: Refusal & { status: number } }> {
  const { errors } = await app.upload({ bytes, filename, contentType: "image/png" }, person.token);
  const response = await app.uploadByRest({ bytes, filename, contentType: "image/png" }, person);
  const { success, requestId, ...rest } = (await response.json()) as Refusal & { success: boolean };
  const { requestId: otherRequestId, ...extensions } = errors[0]!.extensions;
  expect(success).toBe(false);
  expect([requestId, otherRequestId]).toEqual([expect.any(String), expect.any(String)]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return {
    graphql: { message: errors[0]!.message, ...extensions },
    rest: { ...rest, status: response.status },
  };
}

const truncate = async (bytes: Promise<Buffer>) => (await bytes).subarray(0, -300);

describe("a file", () => {
  it.each([
    ["text called .png", async () => Buffer.from("just text"), 415, "UNSUPPORTED_IMAGE_TYPE"],
    [
      "SVG called .png",
      async () => Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"),
      415,
      "UNSUPPORTED_IMAGE_TYPE",
    ],
    ["WebP", () => sharp(sampleImages.portraitJpeg()).webp().toBuffer(), 415, "UNSUPPORTED_IMAGE_TYPE"],
    ["an empty file", async () => Buffer.alloc(0), 400, "BAD_USER_INPUT"],
    ["a truncated JPEG", () => truncate(sampleImages.plainJpeg()), 422, "UNREADABLE_IMAGE"],
    ["a truncated PNG", () => truncate(sampleImages.palettePng()), 422, "UNREADABLE_IMAGE"],
    ["a truncated GIF", () => truncate(sampleImages.animatedGif()), 422, "UNREADABLE_IMAGE"],
    ["a GIF of 30,000 frames", async () => sampleImages.frameFloodGif(30_000), 422, "IMAGE_TOO_COMPLEX"],
    [
      "a PNG of 60,000 × 60,000 pixels",
      async () => sampleImages.pngHeaderOf(60_000, 60_000),
      422,
      "IMAGE_TOO_COMPLEX",
    ],
    ["one byte too many", () => sampleImages.jpegOfSize(819_201), 413, "FILE_TOO_LARGE"],
    ["a megabyte", () => sampleImages.jpegOfSize(1_048_576), 413, "FILE_TOO_LARGE"],
    ["ten megabytes", async () => Buffer.alloc(10_000_000), 413, "FILE_TOO_LARGE"],
  ])(
    "is refused by GraphQL and REST alike, and leaves nothing behind: %s",
    async (_what, make, status, code) => {
      const before = await app.traces();

      const { graphql, rest } = await refusals(await make());

      expect(rest).toEqual({ ...graphql, status });
      expect(graphql.code).toBe(code);
      expect(await app.traces()).toEqual(before);
      const { data } = await app.graphql("{ me { profilePicture { id } } }", {}, person.token);
      expect(data.me.profilePicture).toBeNull();
    },
  );

  it("that is too large is refused with the limit", async () => {
    const { graphql } = await refusals(await sampleImages.jpegOfSize(819_201));

    expect(graphql).toMatchObject({
      limit: 819_200,
      message: "The file is larger than 800 KB (819200 bytes).",
    });
  });

  it("of a wrong type is refused with the accepted types and its own type", async () => {
    const { graphql } = await refusals(await sharp(sampleImages.portraitJpeg()).webp().toBuffer());

    expect(graphql).toMatchObject({
      allowed: ["image/jpeg", "image/png", "image/gif"],
      actual: "image/webp",
    });
  });

  it("that is refused does not replace the current picture", async () => {
    const { token, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());

    await app.upload({ bytes: Buffer.from("no picture") }, token);

    expect((await app.picture(mediaId)).status).toBe(200);
  });
});

describe("a form", () => {
  it("without a file is refused", async () => {
    const rest = new FormData();
    rest.set("name", "ada");
    const graphql = new FormData();
    graphql.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
    graphql.set("map", JSON.stringify({ 0: ["variables.file"] }));

    const response = await app.postFormByRest(rest, person);
    const { errors } = await app.postForm(graphql, person.token);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "BAD_USER_INPUT" });
    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
  });

  it("with two files is refused, and neither is stored", async () => {
    const before = await app.traces();
    const file = toBlob({ bytes: await sampleImages.onePixelPng() });
    const rest = new FormData();
    rest.append("file", file, "a.png");
    rest.append("file", file, "b.png");
    const graphql = new FormData();
    graphql.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null, other: null } }));
    graphql.set("map", JSON.stringify({ 0: ["variables.file"], 1: ["variables.other"] }));
    graphql.append("0", file, "a.png");
    graphql.append("1", file, "b.png");

    const response = await app.postFormByRest(rest, person);
    const { status, errors } = await app.postForm(graphql, person.token);

    expect([response.status, status]).toEqual([400, 400]);
    expect(await response.json()).toMatchObject({ code: "BAD_USER_INPUT" });
    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
    expect(await app.traces()).toEqual(before);
  });

  it("with the file in another field is refused", async () => {
    const form = new FormData();
    form.set("picture", toBlob({ bytes: await sampleImages.onePixelPng() }), "a.png");

    const response = await app.postFormByRest(form, person);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "BAD_USER_INPUT",
      message: 'Send multipart/form-data with one file in the field "file".',
    });
  });

  it.each([
    ["an empty body", "multipart/form-data; boundary=x", ""],
    ["no boundary", "multipart/form-data", "--x\r\n"],
    [
      "no closing boundary",
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    ],
    ["control characters", "multipart/form-data; boundary=x", "\0\u0001\u0002--y\r\n\r\n"],
    ["JSON", "application/json", "{}"],
    ["text", "text/plain", "file"],
  ])("that is malformed is refused: %s", async (_what, contentType, body) => {
    const headers = {
      "content-type": contentType,
      "apollo-require-preflight": "true",
      ...bearer(person.token),
    };
    const route = `/api/users/${person.user.id}/profile-picture`;

    const rest = await app.fetch(route, { method: "POST", headers, body });
    const graphql = await app.fetch("/graphql", { method: "POST", headers, body });

    expect([400, 415]).toContain(rest.status);
    expect(await rest.json()).toMatchObject({ success: false, code: "BAD_USER_INPUT" });
    expect([400, 415]).toContain(graphql.status);
    expect(await graphql.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_USER_INPUT" } }] });
  });

  it("that is cut off anywhere gets BAD_USER_INPUT from GraphQL and REST", async () => {
    const operations = JSON.stringify({ query: UPLOAD, variables: { file: null } });
    const part = (name: string, text: string) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
    const head = part("operations", operations) + part("map", '{"0":["variables.file"]}');
    const file = (name: string) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nabc`;
    const { token, user } = person;
    const post = async (route: string, body: string) => {
      const caller = route === "/graphql" ? (await app.givenPerson()).token : token;
      const headers = { ...bearer(caller), "apollo-require-preflight": "true" };
      const type = { "content-type": "multipart/form-data; boundary=x" };
      return (await app.fetch(route, { method: "POST", headers: { ...headers, ...type }, body })).text();
    };

    for (let cut = head.length - 20; cut <= head.length + file("0").length; cut += 7) {
      expect(await post("/graphql", (head + file("0")).slice(0, cut)), `cut at ${cut}`).toContain(
        "BAD_USER_INPUT",
      );
    }
    expect(await post(`/api/users/${user.id}/profile-picture`, file("file"))).toContain("BAD_USER_INPUT");
  });

  it("from another site's page is refused, because it lacks the header that such a page cannot set", async () => {
    const form = new FormData();
    form.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));

    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: bearer(person.token),
      body: form,
    });

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [{ message: "Uploads need the header Apollo-Require-Preflight: true." }],
    });
  });
});

describe("a connection", () => {
  /** Sends a request on a keep-alive connection. Resolves to status, body and the local port. */
  function send(
    agent: Agent,
    options: { path: string; headers: Record<string, string>; body?: Buffer; method?: string },
  ) {
    return new Promise<{ status: number; body: string; port: number }>((resolve, reject) => {
      const { port } = new URL(app.baseUrl);
      const { path, headers, body, method = "POST" } = options;
      const request = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent }, (response) => {
        const localPort = response.socket.localPort!;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode!, body: String(Buffer.concat(chunks)), port: localPort }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  async function formRequest(form: FormData): Promise<{ headers: Record<string, string>; body: Buffer }> {
    const response = new Response(form);
    const body = Buffer.from(await response.arrayBuffer());
    return {
      body,
      headers: {
        "content-type": response.headers.get("content-type")!,
        "content-length": String(body.length),
      },
    };
  }

  it.each([819_201, 1_400_000, 5_000_000, 20_000_000])(
    "serves the next request after a file of %i bytes was refused",
    async (size) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const file = toBlob({ bytes: Buffer.alloc(size, 1) });
      const rest = new FormData();
      rest.set("file", file, "a.png");
      const graphql = new FormData();
      graphql.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
      graphql.set("map", JSON.stringify({ 0: ["variables.file"] }));
      graphql.set("0", file, "a.png");
      const restRequest = await formRequest(rest);
      const graphqlRequest = await formRequest(graphql);
      const headers = { ...bearer(person.token), "apollo-require-preflight": "true" };

      const first = await send(agent, {
        path: `/api/users/${person.user.id}/profile-picture`,
        headers: { ...restRequest.headers, ...headers },
        body: restRequest.body,
      });
      const second = await send(agent, {
        path: "/graphql",
        headers: { ...graphqlRequest.headers, ...headers },
        body: graphqlRequest.body,
      });
      const third = await send(agent, { path: "/healthz", headers: {}, method: "GET" });
      agent.destroy();

      expect(first).toMatchObject({ status: 413, body: expect.stringContaining("FILE_TOO_LARGE") });
      expect(second.body).toContain("FILE_TOO_LARGE");
      expect(third).toMatchObject({ status: 200, body: '{"status":"ok"}' });
      expect([second.port, third.port]).toEqual([first.port, first.port]);
    },
  );

  it("serves the next request after an upload without a token, whose file was not read", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const form = new FormData();
    form.set("file", toBlob({ bytes: Buffer.alloc(700_000, 1) }), "a.png");
    const { headers, body } = await formRequest(form);

    const first = await send(agent, { path: `/api/users/${person.user.id}/profile-picture`, headers, body });
    const second = await send(agent, { path: "/healthz", headers: {}, method: "GET" });
    agent.destroy();

    expect(first).toMatchObject({ status: 401, body: expect.stringContaining("UNAUTHENTICATED") });
    expect(second).toMatchObject({ status: 200, port: first.port });
  });
});

describe("another user's picture", () => {
  it("can be neither replaced nor deleted, by GraphQL or REST", async () => {
    const other = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const bytes = await sampleImages.onePixelPng();
    const variables = { userId: other.user.id };

    const answers = [
      await app.upload({ bytes }, person.token, variables),
      await app.graphql(DELETE, variables, person.token),
    ];
    const responses = [
      await app.uploadByRest({ bytes }, { user: other.user, token: person.token }),
      await app.deleteByRest({ user: other.user, token: person.token }),
    ];

    expect(answers.map(({ errors }) => errors[0]!.extensions.code)).toEqual(["FORBIDDEN", "FORBIDDEN"]);
    expect(responses.map(({ status }) => status)).toEqual([403, 403]);
    expect((await app.picture(other.mediaId)).status).toBe(200);
  });

  it("gets the same error as an unknown user's", async () => {
    const { errors } = await app.graphql(DELETE, { userId: "f".repeat(24) }, person.token);

    expect(errors[0]!.extensions.code).toBe("FORBIDDEN");
  });
});

describe("ids", () => {
  it.each(["x", "123", "g".repeat(24), "a".repeat(23), "a".repeat(25), "%00", "..%2f..%2fetc", "$where"])(
    "that are malformed are refused: %s",
    async (id) => {
      const decoded = decodeURIComponent(id);

      const picture = await app.picture(id);
      const { errors } = await app.graphql(
        "query ($id: ID!) { media(id: $id) { id } }",
        { id: decoded },
        person.token,
      );
      const deletion = await app.graphql(DELETE, { userId: decoded }, person.token);

      expect([400, 404]).toContain(picture.status);
      expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
      expect(deletion.errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
    },
  );

  it("that are unknown find nothing", async () => {
    const id = "f".repeat(24);

    const picture = await app.picture(id);
    const { data } = await app.graphql(
      `{ media(id: "${id}") { id } user(id: "${id}") { id } }`,
      {},
      person.token,
    );

    expect(picture.status).toBe(404);
    expect(await picture.json()).toMatchObject({
      success: false,
      message: "There is no such picture.",
      code: "MEDIA_NOT_FOUND",
    });
    expect(picture.headers.get("cache-control")).toBe("no-store");
    expect(data).toEqual({ media: null, user: null });
  });
});

describe("a deletion without a picture", () => {
  it("gets NO_PROFILE_PICTURE from GraphQL and REST", async () => {
    const { errors } = await app.graphql(DELETE, {}, person.token);
    const response = await app.deleteByRest(person);

    expect(errors[0]!.extensions.code).toBe("NO_PROFILE_PICTURE");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ success: false, code: "NO_PROFILE_PICTURE" });
  });
});

describe("a deactivated user", () => {
  it("gets USER_NOT_FOUND from GraphQL and REST, and nothing is stored", async () => {
    await app.usersCollection.updateOne({ username: person.user.username }, { $set: { is_active: false } });
    const before = await app.traces();
    const bytes = await sampleImages.onePixelPng();

    const { errors } = await app.upload({ bytes }, person.token);
    const response = await app.uploadByRest({ bytes }, person);

    expect(errors[0]!.extensions.code).toBe("USER_NOT_FOUND");
    expect(response.status).toBe(404);
    expect(await app.traces()).toEqual(before);
  });
});

describe("a malformed address", () => {
  it.each(["/api/users/media/%zz", `/api/users/media/${"a".repeat(300)}`])(
    "gets the error body of this service: %s",
    async (route) => {
      const response = await app.fetch(route);

      expect([400, 414]).toContain(response.status);
      expect(await response.json()).toMatchObject({ success: false, code: "BAD_USER_INPUT" });
    },
  );
});

describe("a deletion with a content type but no body", () => {
  it("succeeds", async () => {
    const { user, token } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const headers = { ...bearer(token), "content-type": "application/json" };

    const response = await app.fetch(`/api/users/${user.id}/profile-picture`, { method: "DELETE", headers });

    expect(response.status).toBe(200);
  });
});

describe("an unknown route", () => {
  it("answers NOT_FOUND", async () => {
    const response = await app.fetch("/api/users/none/of/this?token=secret");

    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      success: false,
      message: "There is nothing at GET /api/users/none/of/this.",
      code: "NOT_FOUND",
    });
  });
});
