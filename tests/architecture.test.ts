// Checks that the folders of `src/` import only along the arrows that `docs/architecture.md` describes.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

/** The folders and top-level files that each folder or top-level file may import from. */
const allowed: Record<string, readonly string[]> = {
  main: ["app", "config", "lockdown", "runtime"],
  lockdown: [],
  app: ["config", "domain", "graphql", "http", "parts", "rest", "runtime", "services", "storage"],
  parts: ["auth", "config", "database", "domain", "images", "jobs", "services", "storage", "views"],
  graphql: ["auth", "domain", "errors", "http", "runtime", "services"],
  rest: ["auth", "domain", "errors", "http", "runtime", "services", "views"],
  http: ["config", "domain", "errors", "runtime"],
  services: ["auth", "database", "domain", "errors", "images", "runtime", "storage", "views"],
  views: ["database", "domain", "runtime"],
  jobs: ["config", "database", "domain", "runtime", "services", "storage"],
  cli: ["config", "database", "domain", "errors", "jobs", "operations", "runtime", "services", "storage"],
  operations: ["config", "database", "domain", "errors", "images", "runtime", "services", "storage"],
  database: ["domain", "embedded-mongo", "errors", "runtime"],
  storage: ["config", "domain", "errors", "runtime"],
  images: ["domain", "errors", "runtime"],
  auth: ["config", "domain", "errors", "runtime"],
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
  it("are all listed in this test", () => {
    expect([...new Set(files.map(placeOf))].toSorted()).toEqual(places.toSorted());
  });

  it.each(places)("%s imports only from the folders that it may", (place) => {
    const foreign = imports.filter(({ from, to }) => from === place && to !== place);

    expect(foreign.filter(({ to }) => !allowed[place]!.includes(to))).toEqual([]);
  });

  it("import concrete storages only within storage/", () => {
    const outside = files.filter((file) => placeOf(file) !== "storage");
    const concrete = outside.filter((file) =>
      /(local-storage|bucket-storage|s3-bucket|gcs-bucket)\.ts"/.test(readFileSync(file, "utf8")),
    );

    expect(concrete).toEqual([]);
  });

  it("load a cloud SDK only when its storage is chosen", () => {
    const texts = files.map((file) => [file, readFileSync(file, "utf8")] as const);
    const sdk = /from "(@aws-sdk|@google-cloud)/;

    expect(
      texts
        .filter(([, text]) => sdk.test(text))
        .map(([file]) => file)
        .toSorted(),
    ).toEqual(["src/storage/gcs-bucket.ts", "src/storage/s3-bucket.ts"]);
    expect(texts.filter(([, text]) => /from "[^"]*(gcs|s3)-bucket\.ts"/.test(text))).toEqual([]);
  });

  it("import the embedded database in a single line", () => {
    const users = imports.filter(({ from, to }) => to === "embedded-mongo" && from !== to);

    expect(users.map(({ file }) => file)).toEqual(["src/database/connection.ts"]);
  });

  it("have files of at most 220 lines", () => {
    const lengths = files.map((file) => [file, readFileSync(file, "utf8").split("\n").length] as const);

    expect(lengths.filter(([, length]) => length > 220)).toEqual([]);
  });

  it("read the environment only in main.ts, the command-line programs and vite.config.ts", () => {
    const readers = files.filter((file) => readFileSync(file, "utf8").includes("process.env"));

    const isProgram = (file: string) => file.startsWith("src/cli/") || file === "src/web/vite.config.ts";

    expect(readers.filter((file) => !isProgram(file))).toEqual(["src/main.ts"]);
  });

  it("open each file with a comment", () => {
    const silent = files.filter((file) => !readFileSync(file, "utf8").startsWith("// "));

    expect(silent).toEqual([]);
  });
});
