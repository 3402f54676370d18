// Starts the second database server for a test run and provides its URI to the tests.
import type { TestProject } from "vitest/node";

import { startTestDatabase } from "./test-database.ts";

declare module "vitest" {
  export interface ProvidedContext {
    mongodbUri: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { uri, stop } = await startTestDatabase();
  project.provide("mongodbUri", uri);
  return stop;
}
