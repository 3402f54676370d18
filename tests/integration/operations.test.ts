// Routes for operators and browsers: health, metrics, CORS, the playground, the schema; and request ids in errors.
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

describe("health checks and metrics", () => {
  it("/healthz answers 200 while the process runs", async () => {
    const response = await app.fetch("/healthz");

    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  });

  it("/readyz checks the database and the storage, and leaves no object behind", async () => {
    const response = await app.fetch("/readyz");

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", checks: { database: "ok", storage: "ok" } });
    expect(await app.storedFiles()).toEqual([]);
  });

  it("/readyz answers 503 while the storage fails, and 200 afterwards", async () => {
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

  it("/metrics counts requests by route, and reveals neither ids nor the secret", async () => {
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
    expect(text).toMatch(/^picture_duration_seconds_count 1$/m);
    expect(text).toMatch(/^pictures_in_work\{state="waiting"\} 0$/m);
    expect(text).toMatch(/^cleanup_media_total\{result="removed"\} 0$/m);
    expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
    expect(text).toContain("process_resident_memory_bytes");
    expect(text).not.toContain(person.mediaId);
    expect(text).not.toContain(app.config.auth.kind === "shared-secret" ? app.config.auth.secret : "never");
  });
});

describe("the operator's guide", () => {
  it("names only metrics that exist", async () => {
    const guide = readFileSync("docs/operating.md", "utf8").split("## Metrics\n")[1]!;
    const named = new Set(guide.match(/\b[a-z]+_[a-z_0-9]*(?:total|seconds|bytes|pending|work)\b/g));

    const text = await (await app.fetch("/metrics")).text();

    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});

describe("a request that fails", () => {
  it.each<[string, (person: { token: string }) => Promise<Response>]>([
    ["REST", () => app.picture("f".repeat(24))],
    ["an unknown route", () => app.fetch("/nothing")],
    ["a GraphQL operation", () => post('{ user(id: "x") { id } }')],
    ["an invalid GraphQL document", () => post("{ nothing }")],
    ["a bad token", () => post("{ me { id } }", "bad")],
  ])("gets the id under which the log has it: %s", async (_what, send) => {
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

describe("a web page on another origin", () => {
  const preflight = (origin: string) =>
    app.fetch("/graphql", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,apollo-require-preflight",
      },
    });

  it("can call the API when CORS_ORIGINS lists it", async () => {
    const response = await preflight("https://chat.example");

    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("apollo-require-preflight");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("cannot call the API when CORS_ORIGINS does not list it", async () => {
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the playground", () => {
  it("loads scripts from this server only, and runs no inline script", async () => {
    const response = await app.fetch("/playground");
    const page = await response.text();

    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(page).not.toMatch(/<script(?![^>]* src=)/);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  it("is configured with the endpoint, the header that uploads need, and four examples", async () => {
    const script = await (await app.fetch("/playground/initial-options.js")).text();

    expect(script.match(/endpointURL: new URL\("\/graphql", location.href\).href,/g)).toHaveLength(5);
    expect(script).toContain("'Apollo-Require-Preflight': `true`");
    expect(script.match(/initialName/g)).toHaveLength(4);
  });

  it("serves only its own files", async () => {
    const statuses = await Promise.all(
      ["../package.json", "..%2f..%2fpackage.json", "%2e%2e/%2e%2e/package.json", ".env"].map(
        async (name) => (await app.fetch(`/playground/${name}`)).status,
      ),
    );

    expect(new Set(statuses)).toEqual(new Set([404]));
  });
});

describe("introspection", () => {
  it("describes every type, field and argument of this schema", async () => {
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

describe("GET /schema.graphql", () => {
  it("sends the same schema as the file schema.graphql", async () => {
    const response = await app.fetch("/schema.graphql");
    const served = introspectionFromSchema(buildSchema(await response.text()));

    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(served).toEqual(introspectionFromSchema(buildSchema(readFileSync("schema.graphql", "utf8"))));
  });

  it("answers 404 when introspection is off", async () => {
    const secretive = await TestApp.start({ GRAPHQL_INTROSPECTION: "false" });
    const { status } = await secretive.fetch("/schema.graphql");
    await secretive.stop();

    expect(status).toBe(404);
  });
});
