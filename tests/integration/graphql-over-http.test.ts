// The audits of the GraphQL-over-HTTP specification, from the package that its authors keep, against the real server.
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

const audits = serverAudits({ url: () => `${app.baseUrl}/graphql` });

const noForgery =
  "a plain GET is what another site's page can make a browser send: it needs a header that such a page cannot set";
const statusSaysIt =
  "the status says what the body says, whatever type the client accepts: proxies, logs and metrics read nothing else";

/** What the specification recommends or allows and we do otherwise, by the audit's id, each with its reason. */
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

  it.each(excepted.map((audit) => [audit.name, audit] as const))("not: %s", async (name, audit) => {
    expect(name).not.toContain("MUST");
    expect(await audit.fn()).not.toMatchObject({ status: "ok" });
  });

  it("has the audits that these exceptions are of", () => {
    expect(excepted).toHaveLength(exceptions.size);
  });
});
