// What operators, browsers and passers-by meet beside the two doors.
import { readFileSync } from "node:fs";

import { buildSchema, introspectionFromSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { AppError } from "../../src/errors.ts";
import { LocalStorage } from "../../src/storage/local-storage.ts";
import * as sampleImages from "../support/sample-images.ts";
import { rootDirOf, TestApp } from "../support/test-app.ts";

let app: TestApp;
let isStorageBroken = false;

class BreakableStorage extends LocalStorage {
  override async check(): Promise<void> {
    if (isStorageBroken) throw new AppError("STORAGE_UNAVAILABLE", "broken");
    await super.check();
  }
}

beforeAll(async () => {
  app = await TestApp.start(
    { CORS_ORIGINS: "https://chat.example,https://other.example" },
    { createStorage: ({ storage }) => new BreakableStorage(rootDirOf(storage)) },
  );
});
afterAll(() => app.stop());

describe("health", () => {
  it("is told of the process", async () => {
    const response = await app.fetch("/healthz");

    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  });

  it("is told of database and storage, and leaves nothing in it", async () => {
    const response = await app.fetch("/readyz");

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", checks: { database: "ok", storage: "ok" } });
    expect(await app.storedFiles()).toEqual([]);
  });

  it("is told when one of them does not work, and when it does again", async () => {
    isStorageBroken = true;
    const broken = await app.fetch("/readyz");
    isStorageBroken = false;
    const mended = await app.fetch("/readyz");

    expect(broken.status).toBe(503);
    expect(await broken.json()).toEqual({
      status: "unavailable",
      checks: { database: "ok", storage: "unavailable" },
    });
    expect(mended.status).toBe(200);
  });

  it("is measured, by route and not by address", async () => {
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await (await app.picture(person.mediaId)).arrayBuffer();
    await app.upload({ bytes: Buffer.from("no picture") }, person.token);
    await app.graphql("{ somethingThatNobodyKnows }");

    const text = await (await app.fetch("/metrics")).text();

    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/api\/users\/media\/:mediaId",status="200"\} 1/,
    );
    expect(text).toMatch(/^views_counted_total 1$/m);
    expect(text).toMatch(/^uploads_total\{outcome="stored"\} 1$/m);
    expect(text).toMatch(/^uploads_total\{outcome="UNSUPPORTED_IMAGE_TYPE"\} 1$/m);
    expect(text).toMatch(/^graphql_operations_total\{operation="uploadProfilePicture",code="OK"\} 1$/m);
    expect(text).toMatch(
      /^graphql_operations_total\{operation="none",code="GRAPHQL_VALIDATION_FAILED"\} 1$/m,
    );
    expect(text).toMatch(/^picture_duration_seconds_count 2$/m);
    expect(text).toMatch(/^pictures_in_work\{state="waiting"\} 0$/m);
    expect(text).toMatch(/^cleanup_media_total\{result="removed"\} 0$/m);
    expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
    expect(text).toContain("process_resident_memory_bytes");
    expect(text).not.toContain(person.mediaId);
    expect(text).not.toContain(app.config.auth.kind === "shared-secret" ? app.config.auth.secret : "never");
  });
});

describe("the operator's guide", () => {
  it("names metrics that there are", async () => {
    const guide = readFileSync("docs/operating.md", "utf8").split("## Metrics\n")[1]!;
    const named = new Set(guide.match(/\b[a-z]+_[a-z_0-9]*(?:total|seconds|bytes|pending|work)\b/g));

    const text = await (await app.fetch("/metrics")).text();

    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});

describe("a request that fails", () => {
  it.each<[string, (person: { token: string }) => Promise<Response>]>([
    ["plain HTTP", () => app.picture("f".repeat(24))],
    ["no route", () => app.fetch("/nothing")],
    ["an operation", () => post('{ user(id: "x") { id } }')],
    ["no operation", () => post("{ nothing }")],
    ["a bad token", () => post("{ me { id } }", "bad")],
  ])("says under which id the log has it: %s", async (_what, send) => {
    const response = await send(await app.givenPerson());
    const body = (await response.json()) as {
      requestId?: string;
      errors?: { extensions: { requestId: string } }[];
    };

    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.requestId ?? body.errors![0]!.extensions.requestId).toBe(
      response.headers.get("x-request-id"),
    );
  });

  const post = async (query: string, token?: string) =>
    app.fetch("/graphql", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${token ?? (await app.givenPerson()).token}`,
      },
      body: JSON.stringify({ query }),
    });
});

describe("a browser's page on another origin", () => {
  const preflight = (origin: string) =>
    app.fetch("/graphql", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,apollo-require-preflight",
      },
    });

  it("may call the API when it is listed", async () => {
    const response = await preflight("https://chat.example");

    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("apollo-require-preflight");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("may not when it is not", async () => {
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the playground", () => {
  it("is a page of this server that runs no inline script", async () => {
    const response = await app.fetch("/playground");
    const page = await response.text();

    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(page).not.toMatch(/<script(?![^>]* src=)/);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  it("knows the address, the header that uploads need, and four examples", async () => {
    const script = await (await app.fetch("/playground/initial-options.js")).text();

    expect(script.match(/endpointURL: new URL\("\/graphql", location.href\).href,/g)).toHaveLength(5);
    expect(script).toContain("'Apollo-Require-Preflight': `true`");
    expect(script.match(/initialName/g)).toHaveLength(4);
  });

  it("shows no file but its own", async () => {
    const statuses = await Promise.all(
      ["../package.json", "..%2f..%2fpackage.json", "%2e%2e/%2e%2e/package.json", ".env"].map(
        async (name) => (await app.fetch(`/playground/${name}`)).status,
      ),
    );

    expect(new Set(statuses)).toEqual(new Set([404]));
  });
});

describe("introspection", () => {
  it("describes every type, field, argument and value that is ours", async () => {
    const { data } = await app.graphql(`{
      __schema { types {
        name description
        fields { name description args { name description } }
        inputFields { name description }
      } }
    }`);

    const undescribed: string[] = [];
    for (const type of data.__schema.types.filter(({ name }: any) => !name.startsWith("__"))) {
      if (!type.description) undescribed.push(type.name);
      for (const field of [...(type.fields ?? []), ...(type.inputFields ?? [])]) {
        if (!field.description) undescribed.push(`${type.name}.${field.name}`);
        for (const arg of field.args ?? []) {
          if (!arg.description) undescribed.push(`${type.name}.${field.name}(${arg.name})`);
        }
      }
    }

    expect(undescribed).toEqual([]);
  });
});

describe("the schema as a text", () => {
  it("is what schema.graphql has", async () => {
    const response = await app.fetch("/schema.graphql");
    const served = introspectionFromSchema(buildSchema(await response.text()));

    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(served).toEqual(introspectionFromSchema(buildSchema(readFileSync("schema.graphql", "utf8"))));
  });

  it("is kept back where introspection is off", async () => {
    const secretive = await TestApp.start({ GRAPHQL_INTROSPECTION: "false" });
    const { status } = await secretive.fetch("/schema.graphql");
    await secretive.stop();

    expect(status).toBe(404);
  });
});
