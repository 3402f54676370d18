// Runs the audits of the GraphQL-over-HTTP specification, from its authors' package, against the real server.
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

const audits = serverAudits({ url: () => `${app.baseUrl}/graphql` });

const noForgery =
  "another site's page can make a browser send a plain GET: the server requires a header that such a page cannot set";
const statusSaysIt =
  "an error has an error status for every media type: proxies, logs and metrics read only the status";

/** Recommendations and options of the specification that the server does not follow: audit id to reason. */
const exceptions = new Map([
  ["5A70", noForgery],
  ["D6D5", noForgery],
  ["6A70", noForgery],
  ["572B", statusSaysIt],
  ["FDE2", statusSaysIt],
  ["7B9B", statusSaysIt],
]);

const [kept, excepted] = [
  audits.filter(({ id }) => !exceptions.has(id)),
  audits.filter(({ id }) => exceptions.has(id)),
];

describe("GraphQL over HTTP", () => {
  it.each(kept.map((audit) => [audit.name, audit] as const))("%s", async (_name, audit) => {
    expect(await audit.fn()).toMatchObject({ status: "ok" });
  });

  it.each(excepted.map((audit) => [audit.name, audit] as const))("deviates from: %s", async (name, audit) => {
    expect(name).not.toContain("MUST");
    expect(await audit.fn()).not.toMatchObject({ status: "ok" });
  });

  it("has an audit for each exception", () => {
    expect(excepted).toHaveLength(exceptions.size);
  });
});

/** Requests for which graphql-js repeats a name in its errors, in as many errors as possible. */
const longNames: [string, (name: string) => { query: string; variables?: object }][] = [
  ["an operation", (name) => ({ query: `query ${name}(${unusedVariables("v")}) { me { id } }` })],
  ["an operation with unknown variables", (name) => ({ query: `query ${name} { ${unknownVariables()} }` })],
  ["a variable", (name) => ({ query: `query Q($${name}: ID) { me { id } }` })],
  [
    "the value of a variable",
    (name) => ({ query: "query Q($a: PictureSize) { me { id } }", variables: { a: name } }),
  ],
  ["a key in a variable", (name) => ({ query: crop, variables: { file: null, crop: { [name]: 1 } } })],
  ["a field", (name) => ({ query: `{ me { ${name} } }` })],
  ["an argument", (name) => ({ query: `{ me(${name}: 1) { id } }` })],
  ["a fragment", (name) => ({ query: `{ ...${name} } fragment ${name}2 on Query { me { id } }` })],
  ["a type", (name) => ({ query: `query ($a: ${name}) { me { id } }` })],
  ["a directive", (name) => ({ query: `{ me @${name} { id } }` })],
  ["an enum value", (name) => ({ query: `{ me { profilePictureUrl(size: ${name}) } }` })],
  ["a string", (name) => ({ query: `{ users(first: "${name}") { nodes { id } } }` })],
  ["two of the same alias", (name) => ({ query: `{ me { ${name}: id ${name}: username } }` })],
];
const crop =
  "mutation ($file: Upload!, $crop: CropInput) { uploadProfilePicture(file: $file, crop: $crop) { success } }";
const unusedVariables = (name: string) => Array.from({ length: 99 }, (_, i) => `$${name}${i}: ID`).join(" ");
const unknownVariables = () =>
  Array.from({ length: 29 }, (_, i) => `m${i}: media(id: $x${i}) { id }`).join(" ");

describe("a name of 200,000 letters", () => {
  it.each(longNames)("is shortened in the errors about %s", async (_what, makeRequest) => {
    const response = await fetch(`${app.baseUrl}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(makeRequest("N".repeat(200_000))),
    });
    const text = await response.text();
    const { errors } = JSON.parse(text) as { errors: { message: string }[] };

    expect(errors.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThan(100_000);
  });
});

describe("an operationName that selects no operation", () => {
  it.each([
    ["GET", "mutation { deleteProfilePicture { success } }", "other"],
    ["POST", "mutation { deleteProfilePicture { success } }", "other"],
    ["POST", "query A { me { id } }", "B"],
    ["POST", "query A { me { id } }", ""],
    ["POST", "query A { me { id } } query B { me { id } }", undefined],
  ])("is refused, and nothing is executed: %s %s %j", async (method, query, operationName) => {
    const person = await app.givenPersonWithPicture(await sampleImages.palettePng());
    const headers = { authorization: `Bearer ${person.token}`, "content-type": "application/json" };
    const search = new URLSearchParams({ query, ...(operationName !== undefined && { operationName }) });
    const response =
      method === "GET"
        ? await app.fetch(`/graphql?${search}`, {
            headers: { authorization: headers.authorization, "apollo-require-preflight": "true" },
          })
        : await app.fetch("/graphql", { method, headers, body: JSON.stringify({ query, operationName }) });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };

    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
    expect((await app.picture(person.mediaId)).status).toBe(200);
  });
});
