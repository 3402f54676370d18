import { createRequire } from "node:module";
import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";

import { findChromium } from "./tests/support/browser.ts";
import { findTestDatabase } from "./tests/support/test-database.ts";

const require = createRequire(import.meta.url);

// Tests of the database run on the embedded database, and also on a second database server if there is one.
const onDatabases = ["tests/contract/**/*.test.ts", "tests/integration/**/*.test.ts"];
const otherDatabase = findTestDatabase();
if ("missing" in otherDatabase) console.log(`Skipped on a second database server: ${otherDatabase.missing}`);

const chromium = findChromium();
if (!chromium) console.log("Skipped in a browser: Chromium is not installed, and CHROMIUM_PATH is not set.");

const shared = {
  setupFiles: ["tests/support/setup.ts"],
  // Limits for a machine with many times the load. A passing test does not wait for them.
  testTimeout: 120_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  resolve: {
    // type-graphql and Apollo load graphql's CommonJS build. Our code must load the same instance.
    alias: [{ find: /^graphql$/, replacement: require.resolve("graphql/index.js") }],
  },
  test: {
    maxWorkers: Math.max(2, availableParallelism() - 1), // Tests spend much of their time waiting.
    passWithNoTests: chromium === undefined, // `npm run test:browser` has no tests without Chromium.
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "process",
          include: ["tests/*.test.ts", "tests/unit/**/*.test.ts", "tests/e2e/**/*.test.ts"],
          globalSetup: ["tests/support/build.ts"],
        },
      },
      { extends: true, test: { ...shared, name: "embedded", include: onDatabases } },
      ...(chromium
        ? [
            {
              extends: true as const,
              test: {
                ...shared,
                name: "browser",
                include: ["tests/browser/**/*.test.ts"],
                globalSetup: ["tests/support/build.ts"],
              },
            },
          ]
        : []),
      ...("missing" in otherDatabase
        ? []
        : [
            {
              extends: true as const,
              test: {
                ...shared,
                name: "documentdb",
                include: onDatabases,
                globalSetup: ["tests/support/start-test-database.ts"],
              },
            },
          ]),
    ],
  },
});
