// Starts the second database for a test run and tells the tests its URI.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import type { TestProject } from "vitest/node";

import { findTestDatabase } from "./test-database.ts";

declare module "vitest" {
  export interface ProvidedContext {
    mongodbUri: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = findTestDatabase();
  if ("uri" in database) {
    project.provide("mongodbUri", database.uri);
    return async () => {};
  }
  if ("missing" in database) throw new Error(database.missing);
  const server = spawn(database.script, ["run"], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise((resolve) => server.once("exit", resolve));
  const uri = await new Promise<string>((resolve, reject) => {
    createInterface(server.stdout).once("line", resolve);
    void exited.then(() => reject(new Error("DocumentDB did not start")));
  });
  project.provide("mongodbUri", uri);
  return async () => {
    server.stdin.end();
    await exited;
  };
}
