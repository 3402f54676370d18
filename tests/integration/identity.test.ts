// Accounts and tokens: registration, sign-in, and which tokens GraphQL and REST accept.
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type GenerateKeyPairResult,
} from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";

import { DELETE, TEST_SECRET, TestApp, UPLOAD } from "../support/test-app.ts";

const REGISTER = `
  mutation ($input: RegisterInput!) {
    register(input: $input) { token user { id username email createdAt profilePicture { id } } }
  }
`;
const LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token user { id username email } } }";
const ME = "{ me { id } }";

const secret = new TextEncoder().encode(TEST_SECRET);
const inAnHour = Math.floor(Date.now() / 1000) + 3600;

describe("an account", () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const ada = { username: "Ada Lovelace", email: "Ada@Example.com", password: "correct horse" };

  it("is created, and its token is valid at once", async () => {
    const { data, errors } = await app.graphql(REGISTER, { input: ada });

    expect(errors).toEqual([]);
    const { token, user } = data.register;
    expect(user).toMatchObject({ username: "Ada Lovelace", email: "ada@example.com", profilePicture: null });
    expect((await app.graphql(ME, {}, token)).data.me).toEqual({ id: user.id });
    const record = await app.usersCollection.findOne({ email: "ada@example.com" });
    expect(record).toMatchObject({
      password: expect.stringMatching(/^\$2b\$12\$/),
      is_active: true,
      profile_picture: null,
    });
  });

  it.each(["Ada Lovelace", "ada@example.com", "ADA@EXAMPLE.COM"])(
    "accepts a sign-in as %s",
    async (login) => {
      const { data } = await app.graphql(LOGIN, { input: { login, password: ada.password } });

      expect(data.login.user).toMatchObject({ username: "Ada Lovelace", email: "ada@example.com" });
    },
  );

  it.each([
    ["a wrong password", { login: "Ada Lovelace", password: "wrong horse" }],
    ["an unknown name", { login: "Nobody", password: "correct horse" }],
    ["an unknown address", { login: "nobody@example.com", password: "correct horse" }],
    ["an empty password", { login: "Ada Lovelace", password: "" }],
    ["a password that is too long", { login: "Ada Lovelace", password: "x".repeat(5000) }],
    ["a query operator in place of a name", { login: '{"$ne":null}', password: "correct horse" }],
  ])("refuses a sign-in with %s, always with the same error", async (_what, input) => {
    const { data, errors } = await app.graphql(LOGIN, { input });

    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        message: "The name or the password is wrong, or there were too many attempts within a minute.",
        extensions: { code: "UNAUTHENTICATED" },
      },
    ]);
  });

  it.each([
    ["a user name", { username: "Ada Lovelace", email: "other@example.com" }, "This user name is taken."],
    [
      "an e-mail address in another case",
      { username: "Other", email: "ADA@example.com" },
      "This e-mail address is taken.",
    ],
  ])("is not created with %s that is taken", async (_what, names, message) => {
    const { errors } = await app.graphql(REGISTER, { input: { ...names, password: ada.password } });

    expect(errors).toMatchObject([{ message, extensions: { code: "CONFLICT" } }]);
  });

  it.each([
    ["short password", { password: "1234567" }],
    ["password of 73 bytes", { password: "x".repeat(73) }],
    ["password of 37 characters and 74 bytes", { password: "é".repeat(37) }],
    ["password with a NUL character", { password: "12345678\0" }],
    ["name of one character", { username: "x" }],
    ["long name", { username: "x".repeat(65) }],
    ["name that looks like an address", { username: "a@b" }],
    ["name with a right-to-left override", { username: "ada\u202e" }],
    ["name without visible characters", { username: "\u200d\u200d\u200d" }],
    ["address without @", { email: "ada.example.com" }],
    ["address with a space", { email: "a da@example.com" }],
  ])("is not created with a %s", async (_what, change) => {
    const input = {
      username: "somebody",
      email: "somebody@example.com",
      password: "correct horse",
      ...change,
    };

    const { errors } = await app.graphql(REGISTER, { input });

    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
    expect(await app.usersCollection.countDocuments({ email: "somebody@example.com" })).toBe(0);
  });

  it.each(["李小龍", "Ο Αλέξανδρος", "مریم‌السادات", "👩‍🚀 Mae", "O'Brien-Smith"])(
    "can have the user name %s",
    async (username) => {
      const email = `${Buffer.from(username).toString("hex").slice(0, 30)}@example.com`;

      const { data } = await app.graphql(REGISTER, { input: { username, email, password: "correct horse" } });

      expect(data.register.user.username).toBe(username.normalize("NFC"));
    },
  );

  it("refuses a sign-in once it is deactivated", async () => {
    const input = { username: "Gone", email: "gone@example.com", password: "correct horse" };
    await app.graphql(REGISTER, { input });
    await app.usersCollection.updateOne({ username: "Gone" }, { $set: { is_active: false } });

    const { errors } = await app.graphql(LOGIN, { input: { login: "Gone", password: "correct horse" } });

    expect(errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
  });
});

describe("a token", () => {
  let app: TestApp;
  let userId: string;
  beforeAll(async () => {
    app = await TestApp.start();
    userId = (await app.givenPerson()).user.id;
  });
  afterAll(() => app.stop());

  const sign = (claims: object, key: Uint8Array = secret, alg = "HS256") =>
    new SignJWT({ exp: inAnHour, ...claims }).setProtectedHeader({ alg }).sign(key);

  /** Status and error code for an Authorization header: of GraphQL, then of REST. */
  async function codesFor(authorization: string): Promise<unknown[]> {
    const headers = { authorization, "content-type": "application/json" };
    const graphql = await app.fetch("/graphql", {
      method: "POST",
      headers,
      body: JSON.stringify({ query: ME }),
    });
    const rest = await app.fetch(`/api/users/${userId}/profile-picture`, {
      method: "DELETE",
      headers: { authorization },
    });
    const { errors } = (await graphql.json()) as { errors?: { extensions: { code: string } }[] };
    return [
      graphql.status,
      errors?.[0]!.extensions.code,
      rest.status,
      ((await rest.json()) as { code: string }).code,
    ];
  }

  /** A token with the given header, signed with `key`: by default one zero byte. */
  async function forge(header: object, key: Uint8Array = new Uint8Array(1)): Promise<string> {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const signed = `${encode(header)}.${encode({ sub: userId, exp: inAnHour })}`;
    return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  }

  const refused = [401, "UNAUTHENTICATED", 401, "UNAUTHENTICATED"];

  it.each([
    ["nonsense", async () => "Bearer nonsense"],
    ["an empty token", async () => "Bearer "],
    ["another scheme", async () => `Basic ${Buffer.from("a:b").toString("base64")}`],
    ["an expired token", async () => `Bearer ${await sign({ sub: userId, exp: inAnHour - 7200 })}`],
    ["a token that is not valid yet", async () => `Bearer ${await sign({ sub: userId, nbf: inAnHour })}`],
    [
      "a token that is signed with another key",
      async () => `Bearer ${await sign({ sub: userId }, new TextEncoder().encode("x".repeat(40)))}`,
    ],
    ["a token with another algorithm", async () => `Bearer ${await sign({ sub: userId }, secret, "HS512")}`],
    ["an unsigned token", async () => `Bearer ${new UnsecuredJWT({ sub: userId, exp: inAnHour }).encode()}`],
    ["a token without a subject", async () => `Bearer ${await sign({})}`],
    ["a token whose subject is not an id", async () => `Bearer ${await sign({ sub: "admin" })}`],
    ["a refresh token", async () => `Bearer ${await sign({ sub: userId, type: "refresh" })}`],
    [
      "a token whose expiry is text",
      async () => `Bearer ${await sign({ sub: userId, exp: "never" as never })}`,
    ],
    ["a token whose subject is a list", async () => `Bearer ${await sign({ sub: [userId] as never })}`],
    [
      "a token whose subject is a query operator",
      async () => `Bearer ${await sign({ sub: { $ne: null } as never })}`,
    ],
    [
      "a token without a signature",
      async () => `Bearer ${(await sign({ sub: userId })).replace(/[^.]*$/, "")}`,
    ],
    ["a token with five parts", async () => `Bearer ${await sign({ sub: userId })}.x.y`],
    [
      "two tokens",
      async () => `Bearer ${await sign({ sub: userId })}, Bearer ${await sign({ sub: userId })}`,
    ],
    ["a token of twelve kilobytes", async () => `Bearer ${"a".repeat(10_000)}.${"b".repeat(2000)}.c`],
    [
      "a token that contains its own key",
      async () => `Bearer ${await forge({ alg: "HS256", jwk: { kty: "oct", k: "c2VjcmV0" } })}`,
    ],
    [
      "a token that names the URL of its key",
      async () => `Bearer ${await forge({ alg: "HS256", jku: "http://127.0.0.1:1/" })}`,
    ],
    [
      "a token whose key id is a file path",
      async () => `Bearer ${await forge({ alg: "HS256", kid: "../../../../dev/null" })}`,
    ],
    [
      "a token with an unknown critical header",
      async () => `Bearer ${await forge({ alg: "HS256", crit: ["x"], x: 1 }, secret)}`,
    ],
    [
      "a token with an unencoded payload",
      async () => `Bearer ${await forge({ alg: "HS256", b64: false, crit: ["b64"] }, secret)}`,
    ],
    ["a token with the algorithm NONE", async () => `Bearer ${await forge({ alg: "NONE" })}`],
    [
      "a token whose claims were changed",
      async () => {
        const [head, , signature] = (await sign({ sub: userId })).split(".");
        const claims = Buffer.from(JSON.stringify({ sub: "f".repeat(24), exp: inAnHour })).toString(
          "base64url",
        );
        return `Bearer ${[head, claims, signature].join(".")}`;
      },
    ],
    [
      "a token with the algorithm none that keeps its signature",
      async () => {
        const [, claims, signature] = (await sign({ sub: userId })).split(".");
        const head = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
        return `Bearer ${[head, claims, signature].join(".")}`;
      },
    ],
  ])("is refused by REST and by GraphQL, even for a public field: %s", async (_what, make) => {
    expect(await codesFor(await make())).toEqual(refused);
  });

  it("from LetsApp's Flask server is accepted unchanged", async () => {
    const token = await sign({
      fresh: false,
      iat: inAnHour - 3600,
      jti: "e0b2a7f6-5f0e-4d3f-9c5a-0a7d5c3b2a11",
      type: "access",
      sub: userId,
      nbf: inAnHour - 3600,
      csrf: "0c1d2e3f",
    });

    expect((await app.graphql(ME, {}, token)).data.me).toEqual({ id: userId });
  });

  describe("whose issuer has a fast clock", () => {
    let tolerant: TestApp;
    beforeAll(async () => {
      tolerant = await TestApp.start({ JWT_CLOCK_TOLERANCE_SECONDS: "" }); // The default of the service.
    });
    afterAll(() => tolerant.stop());

    const issuedIn = (seconds: number) => {
      const now = Math.floor(Date.now() / 1000) + seconds;
      return sign({ sub: userId, iat: now, nbf: now });
    };

    it.each([10, 60, 110])("is accepted %i seconds early", async (seconds) => {
      expect((await tolerant.graphql(ME, {}, await issuedIn(seconds))).errors).toEqual([]);
    });

    it("is refused beyond the clock tolerance, with a message that names the cause", async () => {
      const { status, errors } = await tolerant.graphql(ME, {}, await issuedIn(130));

      expect(status).toBe(401);
      expect(errors).toMatchObject([
        {
          message: "The token is not valid yet. Its issuer's clock may be wrong.",
          extensions: { code: "UNAUTHENTICATED" },
        },
      ]);
    });
  });

  it("is required for an upload and a deletion: UNAUTHENTICATED without one", async () => {
    const upload = await app.upload({ bytes: Buffer.from("x") });
    const deletion = await app.graphql(DELETE);
    const rest = await app.deleteByRest({ user: { id: userId } });

    expect(upload.errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
    expect(deletion.errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
    expect(rest.status).toBe(401);
  });
});

describe("tokens of an identity provider", () => {
  const [issuer, audience] = ["https://id.example", "letsapp"];
  let app: TestApp;
  let provider: Server;
  let userId: string;
  let rsa: GenerateKeyPairResult;
  let isDown = false;
  let keys: { keys: object[] };

  beforeAll(async () => {
    rsa = await generateKeyPair("RS256", { extractable: true });
    keys = { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: "one", alg: "RS256", use: "sig" }] };
    provider = createServer((_request, response) => {
      response.statusCode = isDown ? 500 : 200;
      response.end(JSON.stringify(keys));
    });
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    const { port } = provider.address() as AddressInfo;
    app = await TestApp.start({
      JWT_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: audience,
    });
    userId = (
      await app.app.database.users.create({ username: "ada", email: "ada@example.com", passwordHash: "none" })
    ).id;
  });
  afterAll(async () => {
    await app.stop();
    provider.close();
  });

  const sign = (
    claims: object,
    header: object = {},
    key: typeof rsa.privateKey | Uint8Array = rsa.privateKey,
  ) =>
    new SignJWT({ sub: userId, iss: issuer, aud: audience, exp: inAnHour, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "one", ...header })
      .sign(key);

  it("get the time to wait in the header of answers with status 503, from GraphQL and REST", async () => {
    isDown = true;
    const headers = { authorization: `Bearer ${await sign({})}` };
    const graphql = await app.fetch(`/graphql?query=${encodeURIComponent(ME)}`, {
      headers: { ...headers, "apollo-require-preflight": "true" },
    });
    const form = await app.postForm(new FormData(), await sign({ jti: "form" }));
    const rest = await app.fetch(`/api/users/${userId}/profile-picture`, { method: "DELETE", headers });
    isDown = false;

    expect([graphql.status, form.status, rest.status]).toEqual([503, 503, 503]);
    expect([graphql.headers.get("retry-after"), rest.headers.get("retry-after")]).toEqual(["5", "5"]);
    expect(form.errors[0]!.extensions).toMatchObject({ code: "OVERLOADED", retryAfterSeconds: 5 });
    expect(await rest.json()).toMatchObject({ code: "OVERLOADED", retryAfterSeconds: 5 });
  });

  it("get OVERLOADED while the provider's keys cannot be fetched, and are accepted afterwards", async () => {
    isDown = true;
    const while_ = await app.graphql(ME, {}, await sign({}));
    isDown = false;
    const after = await app.graphql(ME, {}, await sign({}));

    expect(while_).toMatchObject({
      status: 503,
      errors: [{ extensions: { code: "OVERLOADED", retryAfterSeconds: 5 } }],
    });
    expect(after.data.me).toEqual({ id: userId });
  });

  it.each([
    ["another audience", () => sign({ aud: "another app" })],
    ["another issuer", () => sign({ iss: "https://evil.example" })],
    ["no expiry", () => sign({ exp: undefined })],
    ["an unknown key", () => sign({}, { kid: "two" })],
    [
      "HS256 with the public key as secret",
      async () => sign({}, { alg: "HS256" }, new TextEncoder().encode(await exportSPKI(rsa.publicKey))),
    ],
    ["HS256 with a shared secret", () => sign({}, { alg: "HS256" }, secret)],
    [
      "no signature",
      async () => new UnsecuredJWT({ sub: userId, iss: issuer, aud: audience, exp: inAnHour }).encode(),
    ],
  ])("are refused with %s", async (_what, make) => {
    const { status, errors } = await app.graphql(ME, {}, await make());

    expect(status).toBe(401);
    expect(errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
  });

  it("are accepted for at most a minute after their key was withdrawn", async () => {
    const [seen, unseen] = [await sign({}), await sign({ jti: "another" })];
    await app.graphql(ME, {}, seen);
    const withdrawn = keys;
    keys = { keys: [] };
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    onTestFinished(() => {
      vi.useRealTimers();
      keys = withdrawn;
    });

    const statuses = [await app.graphql(ME, {}, seen), await app.graphql(ME, {}, unseen)].map(
      ({ status }) => status,
    );

    expect(statuses).toEqual([401, 401]);
  });

  it("disable registration and sign-in at the service", async () => {
    const input = { username: "bob", email: "bob@example.com", password: "correct horse" };

    const { errors } = await app.graphql(REGISTER, { input });
    const login = await app.graphql(LOGIN, { input: { login: "ada", password: "correct horse" } });

    expect(errors[0]!.extensions.code).toBe("FORBIDDEN");
    expect(login.errors[0]!.extensions.code).toBe("FORBIDDEN");
    expect(await app.usersCollection.countDocuments()).toBe(1);
  });
});

describe("the upload mutation without an uploaded file", () => {
  it("is refused as malformed", async () => {
    const app = await TestApp.start();
    const { token } = await app.givenPerson();

    const answers = [
      await app.graphql(UPLOAD, { file: "a string" }, token),
      await app.graphql(UPLOAD, { file: { url: "file:///etc/passwd" } }, token),
      await app.graphql(UPLOAD, {}, token),
    ];
    await app.stop();

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(answers.map(({ errors }) => errors[0]!.extensions.code)).toEqual([
      "BAD_USER_INPUT",
      "BAD_USER_INPUT",
      "BAD_USER_INPUT",
    ]);
  });
});
