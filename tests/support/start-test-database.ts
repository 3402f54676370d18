// Starts the second database for a test run and tells the tests its URI.
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
