// GraphQL queries: how many database queries they cost, what each caller may see, and which requests are refused.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

const USER_COUNT = 120;

let app: TestApp;
let people: Person[];

beforeAll(async () => {
  app = await TestApp.start({ UPLOADS_PER_MINUTE: "1000" });
  people = [];
  for (let i = 0; i < USER_COUNT; i++) people.push(await app.givenPerson());
  const bytes = await sampleImages.onePixelPng();
  for (const { token } of people.slice(0, 110)) await app.upload({ bytes }, token);
});
afterAll(() => app.stop());

/** The number of queries on each collection while `work` runs. */
async function queriesOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  app.app.database.connection.set("debug", (collection: string, _method: string, filter: object) => {
    if ("changed_at" in filter) return; // `ChangeFeed` queries twice a second.
    counts[collection] = (counts[collection] ?? 0) + 1;
  });
  await work();
  app.app.database.connection.set("debug", false);
  return counts;
}

const PAGE = `
  query ($first: Int! = 20, $after: String) {
    users(first: $first, after: $after) {
      edges { cursor node { id username profilePicture { id thumbnailUrl viewCount } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

describe("users", () => {
  it("with pictures cost one query on users and one on media, regardless of their number", async () => {
    const answer = { users: 0, pictures: 0 };
    for (const { _id } of await app.mediaCollection.find().toArray()) app.app.mediaCache.forget(String(_id));

    const queries = await queriesOf(async () => {
      const { data } = await app.graphql(PAGE, { first: 100 }, people[0]!.token);
      answer.users = data.users.edges.length;
      answer.pictures = data.users.edges.filter(({ node }: any) => node.profilePicture).length;
    });

    expect(answer).toEqual({ users: 100, pictures: 100 });
    expect(queries).toEqual({ users: 1, media: 1 });
  });

  it("with cached pictures cost no query on media, and their uploaders one query on users", async () => {
    const query =
      "{ users(first: 99) { edges { node { profilePicture { uploader { profilePicture { id } } } } } } }";

    const queries = await queriesOf(async () => {
      expect((await app.graphql(query, {}, people[0]!.token)).errors).toEqual([]);
    });

    expect(queries).toEqual({ users: 2 });
  });

  it("that were listed a moment ago cost no query until one of them changes their picture", async () => {
    const query = "{ users(first: 98) { edges { node { profilePicture { id } } } } }";
    const list = async () => (await app.graphql(query, {}, people[0]!.token)).data.users.edges;
    await list();

    const queries = await queriesOf(list);
    const { data } = await app.upload({ bytes: await sampleImages.palettePng() }, people[3]!.token);
    const [, , , { node }] = await list();

    expect(queries).toEqual({});
    expect(node.profilePicture.id).toBe(data.uploadProfilePicture.media.id);
  });

  it("have exact view counts also when their pictures are cached, for one query on media", async () => {
    const query = "{ users(first: 3) { edges { node { profilePicture { id viewCount } } } } }";
    const list = async () => (await app.graphql(query, {}, people[0]!.token)).data.users.edges;
    const [first] = await list();
    for (let view = 0; view < 2; view++)
      await (await app.picture(first.node.profilePicture.id)).arrayBuffer();

    const queries = await queriesOf(async () => {
      expect((await list())[0].node.profilePicture.viewCount).toBe(first.node.profilePicture.viewCount + 2);
    });

    expect(queries).toEqual({ media: 1 });
  });

  it("are listed page by page, each once, in the order in which they joined", async () => {
    const seen: string[] = [];
    let after: string | null = null;

    for (let page = 0; page < 4; page++) {
      const { data } = await app.graphql(PAGE, { first: 30, after }, people[0]!.token);
      seen.push(...data.users.edges.map(({ node }: any) => node.id));
      expect(data.users.pageInfo).toMatchObject({ hasNextPage: page < 3, hasPreviousPage: page > 0 });
      after = data.users.pageInfo.endCursor;
    }

    expect(seen).toEqual(people.map(({ user }) => user.id));
  });

  it("are listed in pages of twenty by default, with an empty page after the last user", async () => {
    const { data } = await app.graphql(PAGE, {}, people[0]!.token);
    const last = Buffer.from(people.at(-1)!.user.id, "hex").toString("base64url");
    const { data: end } = await app.graphql(PAGE, { after: last }, people[0]!.token);

    expect(data.users.edges).toHaveLength(20);
    expect(end.users).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
  });

  it.each([
    [{ first: 0 }, "`first` must be from 1 to 100."],
    [{ first: 101 }, "`first` must be from 1 to 100."],
    [{ first: -5 }, "`first` must be from 1 to 100."],
    [{ after: "nonsense" }, "`after` is not a cursor of this list."],
    [{ after: "" }, "`after` is not a cursor of this list."],
  ])("are not listed for invalid arguments: %j", async (variables, message) => {
    const { errors } = await app.graphql(PAGE, variables, people[0]!.token);

    expect(errors).toMatchObject([{ message, extensions: { code: "BAD_USER_INPUT" } }]);
  });

  it("are not found once they are deactivated", async () => {
    const gone = await app.givenPerson();
    await app.usersCollection.updateOne({ username: gone.user.username }, { $set: { is_active: false } });

    const { data } = await app.graphql(`{ user(id: "${gone.user.id}") { id } }`, {}, people[0]!.token);

    expect(data.user).toBeNull();
  });
});

describe("a client without a token", () => {
  it("gets null for `me`", async () => {
    const { data, errors } = await app.graphql("{ me { id } }");

    expect(data).toEqual({ me: null });
    expect(errors).toEqual([]);
  });

  it.each([
    "{ users { edges { node { id } } } }",
    `{ user(id: "${"a".repeat(24)}") { id } }`,
    `{ media(id: "${"a".repeat(24)}") { id } }`,
    "mutation { deleteProfilePicture { success } }",
  ])("gets UNAUTHENTICATED for %s", async (query) => {
    const { errors } = await app.graphql(query);

    expect(errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
  });
});

describe("an e-mail address", () => {
  it("is shown to its owner only", async () => {
    const [me, other] = [people[0]!, people[1]!];
    const query = `{ me { email } mine: user(id: "${me.user.id}") { email } theirs: user(id: "${other.user.id}") { email } }`;

    const { data } = await app.graphql(query, {}, me.token);

    expect(data).toEqual({
      me: { email: me.user.email },
      mine: { email: me.user.email },
      theirs: { email: null },
    });
  });
});

describe("the schema", () => {
  let closed: TestApp;
  beforeAll(async () => {
    closed = await TestApp.start({ GRAPHQL_INTROSPECTION: "false" });
  });
  afterAll(() => closed.stop());

  it("is open to introspection, and suggests names for misspelled ones", async () => {
    const { data } = await app.graphql("{ __schema { queryType { name } } }");
    const { errors } = await app.graphql("{ user { i } }");

    expect(data.__schema.queryType.name).toBe("Query");
    expect(JSON.stringify(errors)).toContain("Did you mean");
  });

  it.each(["{ __schema { queryType { name } } }", '{ __type(name: "User") { name } }'])(
    "is hidden when introspection is off: %s",
    async (query) => {
      const { status, data, errors } = await closed.graphql(query);

      expect([status, data]).toEqual([400, null]);
      expect(errors[0]!.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
    },
  );

  it.each([
    ["a field", "{ usr { id } }", {}],
    ["a field of a type", "{ me { usernam } }", {}],
    ["an argument", '{ user(ide: "x") { id } }', {}],
    ["a type", "query ($x: Uplod) { me { id } }", {}],
    ["a directive", "{ me @skp(if: true) { id } }", {}],
    [
      "a field of an input",
      "mutation ($input: LoginInput!) { login(input: $input) { token } }",
      { input: { login: "a", password: "b", passwor: "c" } },
    ],
  ])("is not revealed by suggestions when introspection is off: %s", async (_what, query, variables) => {
    const { errors } = await closed.graphql(query, variables);

    expect(errors.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors)).not.toContain("Did you mean");
  });
});

describe("an invalid value", () => {
  const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

  it.each([
    [
      { login: "ada", password: "hunter; 22", passwor: "x" },
      'Field "passwor" is not defined by type "LoginInput"',
    ],
    [{ login: "ada", password: ["hunter; 22"] }, "String cannot represent a non string value."],
    [{ login: null, password: "hunter; 22" }, 'Expected non-nullable type "String!" not to be null.'],
    ["hunter; 22", 'Expected type "LoginInput" to be an object.'],
  ])("is not repeated in the error, because it may be a password: %j", async (input, reason) => {
    const { errors } = await app.graphql(login, { input });

    expect(errors[0]!.message).toContain('Variable "$input" got invalid value');
    expect(errors[0]!.message).toContain(reason);
    const { requestId: _requestId, ...extensions } = errors[0]!.extensions;
    expect(JSON.stringify([errors.map(({ message }) => message), extensions])).not.toContain("22");
  });

  it.each([" cannot represent ", " Did you mean ", "Expected value of type "])(
    "gets a short error message also when it is long and repeats a phrase of graphql-js: %s",
    async (words) => {
      const literal = words.repeat(Math.floor(240_000 / words.length));

      const { status, errors } = await app.graphql(`mutation { login(input: "${literal}") { token } }`);

      expect(status).toBe(400);
      expect(errors[0]!.message.length).toBeLessThan(200);
    },
  );

  it("is not described in the error when it is an uploaded file", async () => {
    const query = "mutation ($file: ID) { deleteProfilePicture(userId: $file) { success } }";

    const { errors } = await app.upload({ bytes: Buffer.from("x") }, people[0]!.token, { query });

    expect(errors[0]).toMatchObject({
      message: 'Variable "$file" got invalid value; ID cannot represent value.',
      extensions: { code: "BAD_USER_INPUT" },
    });
  });
});

describe("a GraphQL request", () => {
  it.each([
    [
      "depth",
      `{ me { profilePicture ${"{ uploader { profilePicture ".repeat(8)} { id } ${"} }".repeat(8)} } }`,
    ],
    ["aliases", `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: me { id }`).join(" ")} }`],
    ["tokens", `{ ${"me { id } ".repeat(2000)} }`],
    ["directives", `{ me { id ${"@include(if: true) ".repeat(60)} } }`],
    [
      "cost",
      `{ ${Array.from({ length: 29 }, (_, i) => `a${i}: users(first: 100) { edges { node { profilePicture { uploader { profilePicture { id } } } } } }`).join(" ")} }`,
    ],
    [
      "fragments that spread each other",
      "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
    ],
  ])("is refused for its %s", async (_what, query) => {
    const { status, errors } = await app.graphql(query, {}, people[0]!.token);

    expect(status).toBe(400);
    expect(errors.length).toBeGreaterThan(0);
  });

  it.each([
    ["a subscription over HTTP", { query: "subscription { profilePictureChanged { id } }" }],
    ["two operations without operationName", { query: "query A { me { id } } query B { me { id } }" }],
    ["an empty object", {}],
  ])("gets BAD_USER_INPUT for %s", async (_what, body) => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_USER_INPUT" } }] });
  });

  it("gets PERSISTED_QUERY_NOT_SUPPORTED for a persisted query, as Apollo's clients expect", async () => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: "abc" } } }),
    });

    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: "PERSISTED_QUERY_NOT_SUPPORTED" } }],
    });
  });

  it("can leave fields out with @skip and @include", async () => {
    const query = "query ($no: Boolean!) { me { id @skip(if: $no) username @include(if: $no) } }";

    const { data, errors } = await app.graphql(query, { no: false }, people[0]!.token);

    expect(errors).toEqual([]);
    expect(data.me).toEqual({ id: people[0]!.user.id });
  });

  it("is refused when it is a batch", async () => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ query: "{ me { id } }" }, { query: "{ me { id } }" }]),
    });

    expect(response.status).toBe(400);
  });

  it("gets neither a stack trace nor a server path in an error", async () => {
    const { errors } = await app.graphql("{ nonsense(");

    expect(errors[0]).toEqual({
      message: expect.stringContaining("Syntax Error"),
      locations: expect.anything(),
      extensions: { code: "GRAPHQL_PARSE_FAILED", requestId: expect.any(String) },
    });
  });
});
