import { describe, expect, it } from "vitest";

import { ConfigError, loadConfig } from "../../../src/config/config.ts";

/** The problems that `loadConfig` reports for an environment; empty when it is valid. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe("loadConfig", () => {
  it("needs no variables", () => {
    expect(loadConfig({})).toMatchObject({
      http: { host: "127.0.0.1", port: 4000, publicUrl: null, corsOrigins: [], trustProxy: false },
      database: { kind: "embedded", file: expect.stringMatching(/instance\/database\/letsapp\.sqlite$/) },
      auth: { kind: "generated-secret", secretFile: expect.stringMatching(/instance\/jwt-secret$/) },
      storage: { kind: "local", rootDir: expect.stringMatching(/instance\/uploads\/profile_pictures$/) },
      limits: { uploadsPerMinute: 5, signInsPerMinute: 10 },
      media: {
        caching: { maxAgeSeconds: 3600, staleSeconds: 0, isImmutable: false },
        memoryBytes: 64 * 1024 * 1024,
        renditionBytes: 1024 * 1024 * 1024,
        renditionDir: expect.stringMatching(/instance\/cache\/renditions$/),
      },
      cleanup: { retentionMs: 30 * 24 * 60 * 60 * 1000 },
      logLevel: "info",
    });
  });

  it("treats an empty variable as unset", () => {
    expect(loadConfig({ PORT: "", JWT_SECRET: " ", MONGODB_URI: "" })).toEqual(loadConfig({}));
  });

  it("returns a frozen configuration", () => {
    const config = loadConfig({});

    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
  });

  it.each([
    [
      { MONGODB_URI: "mongodb://db/letsapp", JWT_SECRET: "secret" },
      { database: { kind: "mongodb" }, auth: { kind: "shared-secret" } },
    ],
    [
      { JWT_JWKS_URL: "https://id.example/keys", JWT_ISSUER: "https://id.example", JWT_AUDIENCE: "letsapp" },
      { auth: { kind: "key-set", issuer: "https://id.example", audience: "letsapp" } },
    ],
    [{ PUBLIC_URL: "https://pictures.example/" }, { http: { publicUrl: "https://pictures.example" } }],
    [
      { CORS_ORIGINS: "https://a.example, https://b.example" },
      { http: { corsOrigins: ["https://a.example", "https://b.example"] } },
    ],
    [{ CORS_ORIGINS: "*" }, { http: { corsOrigins: "*" } }],
    [
      { TRUST_PROXY: "10.0.0.0/8, ::1,loopback" },
      { http: { trustProxy: ["10.0.0.0/8", "::1", "loopback"] } },
    ],
    [
      { MEDIA_RETENTION_DAYS: "0", MEDIA_MAX_AGE_SECONDS: "0" },
      { cleanup: { retentionMs: 0 }, media: { caching: { maxAgeSeconds: 0 } } },
    ],
    [
      { MEDIA_STALE_SECONDS: "60", MEDIA_IMMUTABLE: "true" },
      { media: { caching: { staleSeconds: 60, isImmutable: true } } },
    ],
    [
      { STORAGE_URL: "file:///var/lib/my%20pictures" },
      { storage: { kind: "local", rootDir: "/var/lib/my pictures" } },
    ],
    [
      { STORAGE_URL: "s3://bucket/some/where/?region=eu-central-1" },
      {
        storage: {
          kind: "s3",
          bucket: "bucket",
          prefix: "some/where/",
          region: "eu-central-1",
          endpoint: null,
        },
      },
    ],
    [
      { STORAGE_URL: "s3://my.bucket-1?endpoint=http://127.0.0.1:9000" },
      {
        storage: {
          kind: "s3",
          bucket: "my.bucket-1",
          prefix: "",
          region: null,
          endpoint: "http://127.0.0.1:9000",
        },
      },
    ],
    [{ STORAGE_URL: "gs://bucket" }, { storage: { kind: "gcs", bucket: "bucket", prefix: "" } }],
    [
      { JWT_SECRET_FILE: "/run/secrets/jwt", MONGODB_URI: "mongodb://db" },
      { auth: { kind: "secret-file", secretFile: "/run/secrets/jwt" } },
    ],
    [{ CDN_URL: "https://cdn.example/pictures/" }, { http: { cdnUrl: "https://cdn.example/pictures" } }],
    [{}, { purge: null, graphql: { isSubgraph: false }, media: { viewFlushMs: 2_000 } }],
    [{ GRAPHQL_SUBGRAPH: "true" }, { graphql: { isSubgraph: true } }],
    [{ VIEW_FLUSH_SECONDS: "1" }, { media: { viewFlushMs: 1_000 } }],
    [
      { CDN_PURGE_URL: "http://127.0.0.1:6081/{key}" },
      { purge: { url: "http://127.0.0.1:6081/{key}", method: "PURGE", header: null, body: null } },
    ],
    [
      {
        CDN_PURGE_URL: "https://api.example/zones/1/purge",
        CDN_PURGE_METHOD: "POST",
        CDN_PURGE_HEADER: "Authorization: Bearer a:b",
        CDN_PURGE_BODY: '{"tags":["{key}"]}',
      },
      { purge: { header: ["Authorization", "Bearer a:b"], body: '{"tags":["{key}"]}' } },
    ],
  ])("understands %j", (env, expected) => {
    expect(loadConfig(env as Record<string, string>)).toMatchObject(expected);
  });

  it.each([
    "pictures",
    "http://bucket",
    "s3://",
    "s3://Bucket",
    "s3://a",
    "s3://key:secret@bucket",
    "s3://bucket:9000",
    "s3://bucket?regoin=eu",
    "s3://bucket?endpoint=minio:9000",
    "s3://bucket#x",
    "gs://bucket?region=eu",
    "file://host/pictures",
    "file:///pictures?x=1",
    "file:///%2f",
    "s3://bucket/%zz",
    "file:pictures",
    "file:./pictures",
    "file:/pictures",
    "file:///pictures%00x",
    "s3://bucket/a%0ab",
    "s3://bucket?region=",
    "s3://bucket?region=eu%20central",
    "s3://bucket?region=eu-1&region=eu-2",
    "s3://bucket?endpoint=http:minio",
    "s3://bucket?endpoint=http://key:secret@minio",
  ])("refuses the STORAGE_URL %s, and does not repeat its secret", (STORAGE_URL) => {
    expect(() => loadConfig({ STORAGE_URL })).toThrow(/^STORAGE_URL must be like file:\/\/\/var[^@]*$/);
  });

  it.each([
    "a-secret-token",
    "Connection: close",
    "Content-Length: 5",
    "Authorization:",
    ": x",
    "Two words: x",
    "Name: ä€",
  ])("refuses the CDN_PURGE_HEADER %j, and does not repeat it", (CDN_PURGE_HEADER) => {
    const env = { CDN_PURGE_URL: "https://cdn.example/{key}", CDN_PURGE_HEADER };

    expect(() => loadConfig(env)).toThrow(
      /^CDN_PURGE_HEADER must be a header such as "Authorization: Bearer …".$/,
    );
  });

  it.each(["{key}", "{}", "[{key}]"])("refuses the CDN_PURGE_BODY %s", (CDN_PURGE_BODY) => {
    const env = { CDN_PURGE_URL: "https://cdn.example/{key}", CDN_PURGE_BODY };

    expect(() => loadConfig(env)).toThrow("CDN_PURGE_BODY must be JSON with {key} in it");
  });

  it.each([
    [{ PORT: "http" }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "65536" }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "1e3" }, "PORT must be a whole number from 0 to 65535."],
    [{ GRAPHQL_INTROSPECTION: "yes" }, "GRAPHQL_INTROSPECTION must be one of true, false."],
    [{ UPLOADS_PER_MINUTE: "0" }, "UPLOADS_PER_MINUTE must be a whole number from 1 to 1000000."],
    [{ MEDIA_RETENTION_DAYS: "-1" }, "MEDIA_RETENTION_DAYS must be a whole number from 0 to 36500."],
    [{ MEDIA_DELIVERY: "teleport" }, "MEDIA_DELIVERY must be one of proxy, redirect."],
    [
      { MEDIA_DELIVERY: "redirect" },
      "MEDIA_DELIVERY=redirect needs a bucket in STORAGE_URL: clients cannot fetch from a local folder.",
    ],
    [
      { STORAGE_URL: "gs://bucket", STORAGE_FALLBACK_URL: "gs://bucket" },
      "STORAGE_FALLBACK_URL must differ from STORAGE_URL. Set it to the storage that pictures move from, or remove it.",
    ],
    ...[
      ["file:///a/pictures", "file:///a/../a//pictures/"],
      ["s3://bucket?region=eu-1", "s3://bucket/?region=eu-2"],
      ["s3://bucket?endpoint=http://minio:9000", "s3://bucket?endpoint=http://minio:9000/"],
    ].map(([STORAGE_URL, STORAGE_FALLBACK_URL]): [object, string] => [
      { STORAGE_URL, STORAGE_FALLBACK_URL },
      "STORAGE_FALLBACK_URL must differ from STORAGE_URL. Set it to the storage that pictures move from, or remove it.",
    ]),
    [
      { MEDIA_MAX_AGE_SECONDS: "0", MEDIA_STALE_SECONDS: "60" },
      "MEDIA_STALE_SECONDS cannot be used with MEDIA_MAX_AGE_SECONDS=0, which makes caches revalidate at each use.",
    ],
    [
      { MEDIA_MAX_AGE_SECONDS: "0", MEDIA_IMMUTABLE: "true" },
      "MEDIA_IMMUTABLE cannot be used with MEDIA_MAX_AGE_SECONDS=0, which makes caches revalidate at each use.",
    ],
    [
      { MONGODB_URI: "mongodb://db/letsapp?replicaSet=rs0&w=0", JWT_SECRET: "s" },
      "MONGODB_URI must not have w=0: the database would not confirm writes. Remove w=0.",
    ],
    [{ VIEW_FLUSH_SECONDS: "0" }, "VIEW_FLUSH_SECONDS must be a whole number from 1 to 60."],
    [{ GRAPHQL_SUBGRAPH: "1" }, "GRAPHQL_SUBGRAPH must be one of true, false."],
    [
      { CDN_PURGE_URL: "https://cdn.example/purge" },
      "CDN_PURGE_BODY, or the path or query of CDN_PURGE_URL, must contain {key} in place of the tag to purge.",
    ],
    [
      { CDN_PURGE_URL: "https://cdn.example/media-0" },
      "CDN_PURGE_BODY, or the path or query of CDN_PURGE_URL, must contain {key} in place of the tag to purge.",
    ],
    [
      { CDN_PURGE_URL: "https://{key}.cdn.example/" },
      "CDN_PURGE_BODY, or the path or query of CDN_PURGE_URL, must contain {key} in place of the tag to purge.",
    ],
    [
      { CDN_PURGE_URL: "https://me:secret@cdn.example/{key}" },
      "CDN_PURGE_URL must not contain a user name or password: clients or the log may show it.",
    ],
    [
      { CDN_PURGE_URL: "cdn.example/{key}" },
      "CDN_PURGE_URL must be a URL that starts with http:// or https://.",
    ],
    [
      { CDN_PURGE_URL: "https://cdn.example/{key}", CDN_PURGE_METHOD: "CONNECT" },
      "CDN_PURGE_METHOD must be one of PURGE, BAN, POST, PUT, DELETE.",
    ],
    [
      { CDN_PURGE_METHOD: "POST" },
      "CDN_PURGE_METHOD has no effect without CDN_PURGE_URL. Set CDN_PURGE_URL too, or remove this variable.",
    ],
    [
      { CDN_PURGE_HEADER: "A: b" },
      "CDN_PURGE_HEADER has no effect without CDN_PURGE_URL. Set CDN_PURGE_URL too, or remove this variable.",
    ],
    [
      { CDN_PURGE_BODY: '["{key}"]' },
      "CDN_PURGE_BODY has no effect without CDN_PURGE_URL. Set CDN_PURGE_URL too, or remove this variable.",
    ],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent."],
    [{ PUBLIC_URL: "pictures.example" }, "PUBLIC_URL must be a URL that starts with http:// or https://."],
    [
      { PUBLIC_URL: "ftp://pictures.example" },
      "PUBLIC_URL must be a URL that starts with http:// or https://.",
    ],
    [
      { CORS_ORIGINS: "https://a.example/path" },
      'CORS_ORIGINS must be "*" or a list such as https://a.example,https://b.example.',
    ],
    [
      { PUBLIC_URL: "https://a.example/?x=1" },
      "PUBLIC_URL must not contain ? or #: the service appends paths to it.",
    ],
    ...["http:a.example", "https:\\\\a.example", 'http://a.example/x y"<b>', "ftp://a.example"].map(
      (PUBLIC_URL): [object, string] => [
        { PUBLIC_URL },
        "PUBLIC_URL must be a URL that starts with http:// or https://.",
      ],
    ),
    ...["PUBLIC_URL", "CDN_URL"].map((name): [object, string] => [
      { [name]: "https://u:p@a.example" },
      `${name} must not contain a user name or password: clients or the log may show it.`,
    ]),
    ...["0.0.0.0/0", "10.0.0.0/8/9", "10.0.0.1/00"].map((TRUST_PROXY): [object, string] => [
      { TRUST_PROXY },
      "TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.",
    ]),
    ...["W=0", "w=%30", "w=00", "x=1&w=-0"].map((parameter): [object, string] => [
      { MONGODB_URI: `mongodb://db/letsapp?${parameter}`, JWT_SECRET: "s" },
      "MONGODB_URI must not have w=0: the database would not confirm writes. Remove w=0.",
    ]),
    [
      { TRUST_PROXY: "10.0.0.0/99" },
      "TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.",
    ],
    [
      { TRUST_PROXY: "yes" },
      "TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.",
    ],
    [
      { TRUST_PROXY: "1" },
      "TRUST_PROXY must be false or the addresses of your proxies, such as 10.0.0.0/8,loopback.",
    ],
    [
      { MONGODB_URI: "postgres://db", JWT_SECRET: "s" },
      "MONGODB_URI must start with mongodb:// or mongodb+srv://.",
    ],
    [
      { MONGODB_URI: "mongodb://db" },
      "With MONGODB_URI, set JWT_SECRET, JWT_SECRET_FILE or JWT_JWKS_URL: all processes must accept the same tokens.",
    ],
    [
      { JWT_ISSUER: "x" },
      "JWT_ISSUER has no effect without JWT_JWKS_URL. Set JWT_JWKS_URL too, or remove this variable.",
    ],
  ])("refuses %j", (env, problem) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([problem]);
  });

  it("reports all problems at once, without secrets", () => {
    const problems = problemsOf({
      PORT: "x",
      JWT_SECRET: "top-secret",
      JWT_JWKS_URL: "https://id.example/keys",
      LOG_LEVEL: "x",
    });

    expect(problems).toHaveLength(5);
    expect(problems.join()).not.toContain("top-secret");
  });
});
