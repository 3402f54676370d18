// That a query which is compiled is answered like one which is not: data, errors, and the order of both.
import { parse, validate } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Executor } from "../../src/graphql/executor.ts";
import { createSchema } from "../../src/graphql/schema.ts";
import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
let ada: Person & { mediaId: string };

beforeAll(async () => {
  app = await TestApp.start();
  ada = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
  await app.givenPerson("without-picture");
});
afterAll(() => app.stop());

const queries: [string, Record<string, unknown>?][] = [
  ["{ me { id username email createdAt profilePicture { id } } }"],
  ["{ __typename me { __typename profilePicture { __typename } } }"],
  ["{ a: me { id } b: me { username } a: me { username } }"],
  ["{ users { edges { cursor node { id profilePicture { viewCount uploader { id } } } } } }"],
  ["{ users(first: 1) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"],
  ["query ($first: Int) { users(first: $first) { edges { node { id } } } }", { first: null }],
  ["query ($first: Int) { users(first: $first) { edges { node { id } } } }", { first: 1 }],
  ["query ($first: Int) { users(first: $first) { edges { node { id } } } }"],
  ["query ($first: Int!) { users(first: $first) { edges { node { id } } } }", { first: "many" }],
  ["query ($first: Int! = 1) { users(first: $first) { edges { node { id } } } }"],
  ["query ($first: Int! = 1, $after: String) { users(first: $first, after: $after) { edges { cursor } } }"],
  ["query ($after: String) { users(after: $after) { edges { cursor } } }", { after: "nonsense" }],
  ["{ users(first: 0) { edges { cursor } } }"],
  ['{ me { id } media(id: "nonsense") { id } users(first: 101) { edges { cursor } } }'],
  ['{ media(id: "aaaaaaaaaaaaaaaaaaaaaaaa") { id url } }'],
  ['{ user(id: "x") { id } other: user(id: "y") { id } }'],
  [
    "query ($id: ID!) { user(id: $id) { ...named } } fragment named on User { username ...more } fragment more on User { id }",
    { id: 5 },
  ],
  ["query ($yes: Boolean!) { me { id @include(if: $yes) username @skip(if: $yes) } }", { yes: true }],
  ["query ($yes: Boolean!) { me { id @include(if: $yes) username @skip(if: $yes) } }", { yes: false }],
  [
    "query ($yes: Boolean!) { me { ... on User @include(if: $yes) { id } ...named @skip(if: $yes) } } fragment named on User { username }",
    { yes: true },
  ],
  [
    "query ($yes: Boolean = false) { me @include(if: $yes) { id } users { edges { cursor @skip(if: $yes) } } }",
  ],
  ["query ($yes: Boolean = false) { me @include(if: $yes) { id } }", { yes: null }],
  ["query A { me { id } } query B { me { username } }"],
  [
    "{ __schema { queryType { name } types { name kind description fields { name args { name defaultValue } } } } }",
  ],
  ['{ __type(name: "Media") { name fields { name type { kind name ofType { name } } } } }'],
];

describe("a compiled query", () => {
  it.each(queries)("is answered like any other: %s %j", async (query, variables = {}) => {
    const schema = await createSchema({ consumeUpload: () => Promise.resolve() });
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const operationName = query.includes("query B") ? "B" : undefined;
    const run = async (compileAfterCount: number, currentUserId: string | null) => {
      const context = app.contextOf(currentUserId);
      const executor = new Executor(schema, compileAfterCount);
      const { data, errors } = await executor.execute({ document, operationName, variables, context });
      return { data: JSON.stringify(data), errors: JSON.stringify(errors) };
    };

    for (const who of [ada.user.id, null]) expect(await run(0, who)).toEqual(await run(Infinity, who));
  });

  it("is compiled once it has come five times, and mutations never are", async () => {
    const schema = await createSchema({ consumeUpload: () => Promise.resolve() });
    const executor = new Executor(schema);
    const documents = [parse("{ me { id } }"), parse("mutation { deleteProfilePicture { success } }")];
    const countCompiled = async (document: (typeof documents)[0]) => {
      for (let time = 0; time < 5; time++)
        await executor.execute({
          document,
          operationName: undefined,
          variables: {},
          context: app.contextOf(null),
        });
      const before = executor.compiledCount;
      await executor.execute({
        document,
        operationName: undefined,
        variables: {},
        context: app.contextOf(null),
      });
      return [before, executor.compiledCount];
    };

    expect(await countCompiled(documents[0]!)).toEqual([0, 1]);
    expect(await countCompiled(documents[1]!)).toEqual([1, 1]);
  });
});
