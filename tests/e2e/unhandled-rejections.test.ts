// Checks that a rejected promise without a handler does not end the service.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import mongoose from "mongoose";
import { afterEach, beforeEach, expect, it } from "vitest";

import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { ServerProcess } from "../support/server-process.ts";

let folder: string;
let server: ServerProcess;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-unhandled-"));
  server = await ServerProcess.start({ INSTANCE_DIR: folder });
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function ask(query: string, token?: string): Promise<{ status: number; body: any }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.json() };
}

it("the service answers a list in which one item fails at once and another later, and the next request", async () => {
  const { body } = await ask(
    'mutation { register(input: { username: "ada", email: "ada@example.com", password: "correct horse" }) { token } }',
  );
  const database = await Database.openBeside(loadConfig({ INSTANCE_DIR: folder }).database);
  // Two records have invalid dates, as another program might write them. The picture of the first is not in memory.
  await database.connection.collection("users").insertMany([
    {
      username: "b",
      email: "b@example.com",
      created_at: "none",
      profile_picture: new mongoose.Types.ObjectId(),
    },
    { username: "c", email: "c@example.com", created_at: "none", profile_picture: null },
  ]);
  await database.close();

  const list = await ask(
    "{ users { edges { node { profilePicture { id } createdAt } } } }",
    body.data.register.token,
  );
  const next = await ask("{ __typename }");

  expect(list.body.errors[0].extensions.code).toBe("INTERNAL_SERVER_ERROR");
  expect(next).toEqual({ status: 200, body: { data: { __typename: "Query" } } });
  expect(server.child.exitCode).toBeNull();
});
