// The service as a subgraph: composed with a host's own graph of users, and queried through Apollo's gateway.
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { ApolloGateway, IntrospectAndCompose, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import { createHandler } from "graphql-http/lib/use/http";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { initialsOf } from "../../src/domain/initials.ts";
import * as sampleImages from "../support/sample-images.ts";
import { bearer, DELETE, TestApp, type Person } from "../support/test-app.ts";

/** Ids of the users in the host's chat. */
let members: string[];

const hostSchema = () =>
  buildSubgraphSchema({
    typeDefs: parse(`
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
      type Query { chat: [User!]!  me: User @shareable }
      type User @key(fields: "id") { id: ID!  username: String! @shareable  isOnline: Boolean! }
    `),
    resolvers: {
      Query: { chat: () => members.map(hostUser), me: () => hostUser(people[0]!.user.id) },
      User: { __resolveReference: ({ id }: { id: string }) => hostUser(id) },
    },
  });

const hostUser = (id: string) => ({ id, username: `host's ${id}`, isOnline: true });

interface Context {
  token: string | undefined;
}

let app: TestApp;
let host: Server;
let gateway: ApolloServer<Context>;
let people: (Person & { mediaId: string })[];
beforeAll(async () => {
  app = await TestApp.start({ GRAPHQL_SUBGRAPH: "true" });
  people = [];
  for (let i = 0; i < 3; i++) people.push(await app.givenPersonWithPicture(sampleImages.portraitJpeg()));
  host = createServer(createHandler({ schema: hostSchema() })).listen(0, "127.0.0.1");
  await once(host, "listening");
  const supergraphSdl = new IntrospectAndCompose({
    subgraphs: [
      { name: "chat", url: `http://127.0.0.1:${(host.address() as AddressInfo).port}` },
      { name: "pictures", url: `${app.baseUrl}/graphql` },
    ],
  });
  const buildService = ({ url }: { url?: string | undefined }) =>
    new RemoteGraphQLDataSource<Context>({
      url: url!,
      willSendRequest({ request, context }) {
        if (context?.token) request.http!.headers.set("authorization", `Bearer ${context.token}`);
      },
    });
  gateway = new ApolloServer<Context>({ gateway: new ApolloGateway({ supergraphSdl, buildService }) });
  await gateway.start();
});
afterAll(async () => {
  await gateway?.stop();
  host?.close();
  await app.stop();
});

async function ask(query: string, token = people[0]!.token) {
  const response = await gateway.executeOperation({ query }, { contextValue: { token } });
  if (response.body.kind !== "single") throw new Error("the answer comes in parts");
  const { data, errors = [] } = response.body.singleResult;
  return { data: data as any, errors };
}

const entities = (representations: object[], token?: string) =>
  app.graphql(
    "query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { id profilePicture { id } } } }",
    { representations },
    token,
  );

describe("a host's graph", () => {
  it("gets the pictures of its own users, with one look-up of users for each answer", async () => {
    members = people.map(({ user }) => user.id);
    const findMany = vi.spyOn(app.app.database.users, "findManyByIds");

    for (let i = 0; i < 8; i++) {
      const { data, errors } = await ask(
        "{ chat { username isOnline initials profilePictureUrl(size: PX96) profilePicture { id viewCount uploader { id } } } }",
      );

      expect(errors).toEqual([]);
      expect(data.chat).toEqual(
        people.map(({ user, mediaId }) => ({
          username: `host's ${user.id}`,
          isOnline: true,
          initials: initialsOf(user.username),
          profilePictureUrl: `${app.baseUrl}/api/users/${user.id}/profile-picture?size=96`,
          profilePicture: { id: mediaId, viewCount: 0, uploader: { id: user.id } },
        })),
      );
    }

    expect(findMany).toHaveBeenCalledTimes(8);
    findMany.mockRestore();
  });

  it("has the other fields of this service", async () => {
    const { data, errors } = await ask("{ me { email } users(first: 2) { edges { node { id isOnline } } } }");

    expect(data.me).toEqual({ email: people[0]!.user.email });
    expect(data.users.edges).toHaveLength(2);
    expect(errors.map(({ path }) => path)).toEqual([]);
  });

  it("has no picture for a user whom this service does not know", async () => {
    members = ["0123456789abcdef01234567"];

    const { data, errors } = await ask("{ chat { isOnline profilePicture { id } } }");

    expect([data, errors]).toEqual([{ chat: [{ isOnline: true, profilePicture: null }] }, []]);
  });

  it("gets UNAUTHENTICATED without a token, and BAD_USER_INPUT for ids of another kind", async () => {
    members = [people[0]!.user.id];
    const anonymous = await ask("{ chat { isOnline profilePicture { id } } }", "");
    members = ["user-1"];
    const malformed = await ask("{ chat { isOnline profilePicture { id } } }");

    expect(anonymous.data.chat).toEqual([{ isOnline: true, profilePicture: null }]);
    expect(anonymous.errors[0]!.extensions!["code"]).toBe("UNAUTHENTICATED");
    expect(malformed.data.chat).toEqual([{ isOnline: true, profilePicture: null }]);
    expect(malformed.errors[0]!.extensions!["code"]).toBe("BAD_USER_INPUT");
  });
});

describe("the subgraph itself", () => {
  it.each([
    ["a missing id", { __typename: "User" }],
    ["a number as id", { __typename: "User", id: 42 }],
    ["a query operator as id", { __typename: "User", id: { $ne: null } }],
  ])("refuses %s", async (_, representation) => {
    const { errors } = await entities([representation], people[0]!.token);

    expect(errors.map(({ extensions }) => extensions.code)).toEqual(["BAD_USER_INPUT"]);
  });

  it.each([
    ["a type that is not an entity", { __typename: "Media", id: "0123456789abcdef01234567" }],
    ["a missing type", { id: "0123456789abcdef01234567" }],
    ["an unknown type", { __typename: "__proto__", id: "0123456789abcdef01234567" }],
    ["a list", []],
  ])("refuses the whole request because of %s", async (_, representation) => {
    const good = { __typename: "User", id: people[0]!.user.id };
    const { data, errors } = await entities([good, representation], people[0]!.token);

    expect(data).toBeNull();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(["BAD_USER_INPUT"]);
  });

  it("requires a token before it checks any limit", async () => {
    const { data, errors } = await entities(
      Array.from({ length: 1_000 }, () => ({ __typename: "User", id: people[0]!.user.id })),
    );

    expect(data).toBeNull();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(["UNAUTHENTICATED"]);
  });

  it("returns each entity at its place, also when others fail and when the request is repeated", async () => {
    const [good, bad] = [
      { __typename: "User", id: people[0]!.user.id },
      { __typename: "User", id: "zz" },
    ];
    for (let i = 0; i < 8; i++) {
      for (const representations of [[good, bad], [good, bad, bad], [bad, good], [bad]]) {
        const { data } = await entities(representations, people[0]!.token);

        expect(data._entities.map((one: object | null) => one !== null)).toEqual(
          representations.map((one) => one === good),
        );
      }
    }
  });

  it("counts the entities of all aliases together", async () => {
    const aliases = Array.from(
      { length: 11 },
      (_, i) => `a${i}: _entities(representations: $r) { __typename }`,
    );
    const r = Array.from({ length: 100 }, () => ({ __typename: "User", id: people[0]!.user.id }));
    const query = `query ($r: [_Any!]!) { ${aliases.join(" ")} }`;

    const { errors } = await app.graphql(query, { r }, people[0]!.token);

    expect(errors[0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", limit: 500, actual: 600 });
  });

  it("counts the values of each entity, also those in fragments", async () => {
    const r = Array.from({ length: 250 }, () => ({ __typename: "User", id: people[0]!.user.id }));
    const aliases = Array.from({ length: 15 }, (_, i) => `a${i}: initials`);
    const ask = (fields: readonly string[]) =>
      app.graphql(
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { id ...a } } }
        fragment a on User { ...b profilePicture { id } ...b } fragment b on User { ${fields.join(" ")} }`,
        { r },
        people[0]!.token,
      );

    expect((await ask(aliases.slice(0, 13))).data._entities).toHaveLength(250);
    expect((await ask(aliases)).errors[0]!.extensions).toMatchObject({
      code: "BAD_USER_INPUT",
      limit: 7_500,
      actual: 250 * (1 + 2 * 15 + 2),
    });
  });

  it("looks up 250 users and their pictures in one request, and no more", async () => {
    const representation = { __typename: "User", id: people[0]!.user.id };

    const ofMany = (length: number) =>
      entities(
        Array.from({ length }, () => representation),
        people[0]!.token,
      );
    const [many, tooMany] = [await ofMany(250), await ofMany(251)];

    expect(many.data._entities).toHaveLength(250);
    expect(tooMany.errors[0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", limit: 500, actual: 502 });
  });

  it("accepts uploads and deletions, and limits the rate of uploads", async () => {
    const person = await app.givenPerson();
    const codes = [];
    for (let i = 0; i < 6; i++) {
      const { errors } = await app.upload({ bytes: sampleImages.portraitJpeg() }, person.token);
      codes.push(errors[0]?.extensions.code ?? "OK");
    }
    const { data } = await app.graphql(DELETE, {}, person.token);

    expect(codes).toEqual(["OK", "OK", "OK", "OK", "OK", "RATE_LIMITED"]);
    expect(data.deleteProfilePicture.success).toBe(true);
  });
});

it("a service that is not a subgraph has no federation fields or directives", async () => {
  const plain = await TestApp.start();
  const { errors } = await plain.graphql("{ _service { sdl } }");
  const schema = await (await plain.fetch("/schema.graphql", { headers: bearer(undefined) })).text();
  await plain.stop();

  expect(errors[0]!.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  expect(schema).not.toMatch(/@key|_entities|@link/);
});
