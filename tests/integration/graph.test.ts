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

/** The queries on each collection while `work` is under way. */
async function queriesOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  app.app.database.connection.set("debug", (collection: string, _method: string, filter: object) => {
    if ("changed_at" in filter) return; // The feed of changes looks twice a second.
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
  it("with pictures cost one query on users and one on media, however many they are", async () => {
    const answer = { users: 0, pictures: 0 };
    for (const { _id } of await app.mediaCollection.find().toArray()) app.app.known.forget(String(_id));

    const queries = await queriesOf(async () => {
      const { data } = await app.graphql(PAGE, { first: 100 }, people[0]!.token);
      answer.users = data.users.edges.length;
      answer.pictures = data.users.edges.filter(({ node }: any) => node.profilePicture).length;
    });

    expect(answer).toEqual({ users: 100, pictures: 100 });
    expect(queries).toEqual({ users: 1, media: 1 });
  });

  it("with pictures that are known and their uploaders cost one query for each page", async () => {
    const query =
      "{ users(first: 99) { edges { node { profilePicture { uploader { profilePicture { id } } } } } } }";

    const queries = await queriesOf(async () => {
      expect((await app.graphql(query, {}, people[0]!.token)).errors).toEqual([]);
    });

    expect(queries).toEqual({ users: 2 });
  });

  it("that were listed a moment ago cost no query, until somebody changes a picture", async () => {
    const query = "{ users(first: 98) { edges { node { profilePicture { id } } } } }";
    const list = async () => (await app.graphql(query, {}, people[0]!.token)).data.users.edges;
    await list();

    const queries = await queriesOf(list);
    const { data } = await app.upload({ bytes: await sampleImages.palettePng() }, people[3]!.token);
    const [, , , { node }] = await list();

    expect(queries).toEqual({});
    expect(node.profilePicture.id).toBe(data.uploadProfilePicture.media.id);
  });

  it("have exact counts of views whether their pictures are known or not", async () => {
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

  it("come a page at a time, each once, in the order in which they joined", async () => {
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

  it("are twenty unless one asks for more, and an empty page after the last", async () => {
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
    [{ first: 0 }, "first is 1 to 100."],
    [{ first: 101 }, "first is 1 to 100."],
    [{ first: -5 }, "first is 1 to 100."],
    [{ after: "nonsense" }, "after is no cursor of this list."],
    [{ after: "" }, "after is no cursor of this list."],
  ])("are refused for %j", async (variables, message) => {
    const { errors } = await app.graphql(PAGE, variables, people[0]!.token);

    expect(errors).toMatchObject([{ message, extensions: { code: "BAD_USER_INPUT" } }]);
  });

  it("leave out those who are deactivated", async () => {
    const gone = await app.givenPerson();
    await app.usersCollection.updateOne({ username: gone.user.username }, { $set: { is_active: false } });

    const { data } = await app.graphql(`{ user(id: "${gone.user.id}") { id } }`, {}, people[0]!.token);

    expect(data.user).toBeNull();
  });
});

describe("what a stranger may see", () => {
  it("is nothing but that they are nobody", async () => {
    const { data, errors } = await app.graphql("{ me { id } }");

    expect(data).toEqual({ me: null });
    expect(errors).toEqual([]);
  });

  it.each([
    "{ users { edges { node { id } } } }",
    `{ user(id: "${"a".repeat(24)}") { id } }`,
    `{ media(id: "${"a".repeat(24)}") { id } }`,
    "mutation { deleteProfilePicture { success } }",
  ])("is not %s", async (query) => {
    const { errors } = await app.graphql(query);

    expect(errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
  });
});

describe("an e-mail address", () => {
  it("is shown to its owner alone", async () => {
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

  it("may be asked for, and helps who misspells a name", async () => {
    const { data } = await app.graphql("{ __schema { queryType { name } } }");
    const { errors } = await app.graphql("{ user { i } }");

    expect(data.__schema.queryType.name).toBe("Query");
    expect(JSON.stringify(errors)).toContain("Did you mean");
  });

  it.each(["{ __schema { queryType { name } } }", '{ __type(name: "User") { name } }'])(
    "is not told where introspection is off: %s",
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
  ])("is not given away by a suggestion then: %s", async (_what, query, variables) => {
    const { errors } = await closed.graphql(query, variables);

    expect(errors.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors)).not.toContain("Did you mean");
  });
});

describe("a variable that cannot be used", () => {
  const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

  it.each([
    [
      { login: "ada", password: "hunter; 22", passwor: "x" },
      'Field "passwor" is not defined by type "LoginInput"',
    ],
    [{ login: "ada", password: ["hunter; 22"] }, "String cannot represent a non string value."],
    [{ login: null, password: "hunter; 22" }, 'Expected non-nullable type "String!" not to be null.'],
    ["hunter; 22", 'Expected type "LoginInput" to be an object.'],
  ])("is not repeated, as it may be a password: %j", async (input, reason) => {
    const { errors } = await app.graphql(login, { input });

    expect(errors[0]!.message).toContain('Variable "$input" got invalid value');
    expect(errors[0]!.message).toContain(reason);
    const { requestId: _requestId, ...extensions } = errors[0]!.extensions;
    expect(JSON.stringify([errors.map(({ message }) => message), extensions])).not.toContain("22");
  });

  it.each([" cannot represent ", " Did you mean ", "Expected value of type "])(
    "costs no more than another when it is long and reads like GraphQL's own words: %s",
    async (words) => {
      const literal = words.repeat(Math.floor(240_000 / words.length));

      const { status, errors } = await app.graphql(`mutation { login(input: "${literal}") { token } }`);

      expect(status).toBe(400);
      expect(errors[0]!.message.length).toBeLessThan(200);
    },
  );

  it("is called a file when it is one, and no more of it is shown", async () => {
    const query = "mutation ($file: ID) { deleteProfilePicture(userId: $file) { success } }";

    const { errors } = await app.upload({ bytes: Buffer.from("x") }, people[0]!.token, { query });

    expect(errors[0]).toMatchObject({
      message: 'Variable "$file" got invalid value; ID cannot represent value.',
      extensions: { code: "BAD_USER_INPUT" },
    });
  });
});

describe("a request that asks too much", () => {
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
    ["a subscription by this way", { query: "subscription { profilePictureChanged { id } }" }],
    ["an operation that is not in it", { query: "query A { me { id } } query B { me { id } }" }],
    ["nothing", {}],
  ])("is the client's fault: %s", async (_what, body) => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_USER_INPUT" } }] });
  });

  it("is told that there are no persisted queries, as Apollo's clients expect it", async () => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: "abc" } } }),
    });

    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: "PERSISTED_QUERY_NOT_SUPPORTED" } }],
    });
  });

  it("may leave parts out by the directives that every GraphQL has", async () => {
    const query = "query ($no: Boolean!) { me { id @skip(if: $no) username @include(if: $no) } }";

    const { data, errors } = await app.graphql(query, { no: false }, people[0]!.token);

    expect(errors).toEqual([]);
    expect(data.me).toEqual({ id: people[0]!.user.id });
  });

  it("is refused as a batch", async () => {
    const response = await app.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ query: "{ me { id } }" }, { query: "{ me { id } }" }]),
    });

    expect(response.status).toBe(400);
  });

  it("shows no stack trace and no path of this machine", async () => {
    const { errors } = await app.graphql("{ nonsense(");

    expect(errors[0]).toEqual({
      message: expect.stringContaining("Syntax Error"),
      locations: expect.anything(),
      extensions: { code: "GRAPHQL_PARSE_FAILED", requestId: expect.any(String) },
    });
  });
});
