// Holds the arrows between the folders of `src/`, as the README draws them.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

/** Which folders, or files at the top, each folder may import from. */
const allowed: Record<string, readonly string[]> = {
  main: ["app", "config", "lockdown", "storage"],
  lockdown: [],
  app: ["config", "domain", "graphql", "http", "parts", "rest", "services", "storage"],
  parts: ["auth", "config", "database", "domain", "images", "jobs", "services", "storage", "views"],
  graphql: ["auth", "domain", "errors", "http", "runtime", "services"],
  rest: ["auth", "domain", "errors", "http", "runtime", "services", "views"],
  http: ["config", "domain", "errors", "runtime"],
  services: ["auth", "database", "domain", "errors", "images", "runtime", "storage", "views"],
  views: ["database", "domain"],
  jobs: ["config", "database", "domain", "runtime", "services", "storage"],
  cli: ["config", "database", "domain", "errors", "jobs", "operations", "services", "storage"],
  operations: ["config", "database", "domain", "errors", "images", "services", "storage"],
  database: ["domain", "embedded-mongo", "errors"],
  storage: ["config", "domain", "errors", "runtime"],
  images: ["domain", "errors", "runtime"],
  auth: ["domain", "errors", "runtime"],
  domain: ["errors"],
  "embedded-mongo": [],
  web: [],
  config: [],
  runtime: ["errors"],
  errors: [],
};

const places = Object.keys(allowed);

function placeOf(file: string): string {
  return path.relative("src", file).split(path.sep)[0]!.replace(/\.ts$/, "");
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".generated.ts"))
  .map((file) => path.join("src", file));
const imports = files.flatMap((file) => {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)].map(([, target]) => ({
    file,
    from: placeOf(file),
    to: placeOf(path.join(path.dirname(file), target!)),
  }));
});

describe("the folders of src", () => {
  it("are all known here", () => {
    expect([...new Set(files.map(placeOf))].toSorted()).toEqual(places.toSorted());
  });

  it.each(places)("%s imports only what it may", (place) => {
    const foreign = imports.filter(({ from, to }) => from === place && to !== place);

    expect(foreign.filter(({ to }) => !allowed[place]!.includes(to))).toEqual([]);
  });

  it("reach storage through its contract, except where it is built", () => {
    const outside = files.filter((file) => placeOf(file) !== "storage");
    const concrete = outside.filter((file) =>
      /(local-storage|bucket-storage|s3-bucket|gcs-bucket)\.ts"/.test(readFileSync(file, "utf8")),
    );

    expect(concrete).toEqual([]);
  });

  it("load the SDK of a cloud only where its storage is chosen", () => {
    const texts = files.map((file) => [file, readFileSync(file, "utf8")] as const);
    const sdk = /from "(@aws-sdk|@google-cloud|flydrive\/drivers)/;

    expect(
      texts
        .filter(([, text]) => sdk.test(text))
        .map(([file]) => file)
        .toSorted(),
    ).toEqual(["src/storage/gcs-bucket.ts", "src/storage/s3-bucket.ts"]);
    expect(texts.filter(([, text]) => /from "[^"]*(gcs|s3)-bucket\.ts"/.test(text))).toEqual([]);
  });

  it("know the embedded database by one line", () => {
    const users = imports.filter(({ from, to }) => to === "embedded-mongo" && from !== to);

    expect(users.map(({ file }) => file)).toEqual(["src/database/connection.ts"]);
  });

  it("have files that can be read in one sitting", () => {
    const lengths = files.map((file) => [file, readFileSync(file, "utf8").split("\n").length] as const);

    expect(lengths.filter(([, length]) => length > 220)).toEqual([]);
  });

  it("read the environment in one place", () => {
    const readers = files.filter((file) => readFileSync(file, "utf8").includes("process.env"));

    const isProgram = (file: string) => file.startsWith("src/cli/") || file === "src/web/vite.config.ts";

    expect(readers.filter((file) => !isProgram(file))).toEqual(["src/main.ts"]);
  });

  it("open each file with what it is for", () => {
    const silent = files.filter((file) => !readFileSync(file, "utf8").startsWith("// "));

    expect(silent).toEqual([]);
  });
});
