// Checks that the README is true: its tour runs as written, its links resolve, and its tables are complete.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { loadConfig } from "../src/config/config.ts";
import { errorStatus } from "../src/errors.ts";
import { ServerProcess } from "./support/server-process.ts";

const readme = readFileSync("README.md", "utf8");

const documents = [
  "README.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The relative targets of a document's links, without their anchors. */
function linksOf(file: string): string[] {
  const links = readFileSync(file, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g);
  return [...links].map(([, target]) => target!);
}

/** The shell commands of a section, in order. */
function commandsOf(heading: string): string {
  const section = readme.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands]) => commands).join("\n");
}

describe("the tour", () => {
  let folder: string;
  let server: ServerProcess;
  let lines: string[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "letsapp-readme-"));
    server = await ServerProcess.start({ INSTANCE_DIR: path.join(folder, "instance") });
    const script = commandsOf("The tour")
      .replaceAll("http://127.0.0.1:4000", server.url)
      .replaceAll("/tmp/letsapp-", `${folder}/`);
    // Puts each answer on its own line, for the test to read.
    const withLines = `curl() { command curl "$@"; echo; }\n${script}`;
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", withLines]);
    lines = stdout.split("\n").filter((line) => line !== "");
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it("gives the answers that it promises, step by step", () => {
    const [register, upload, original, thumbnail, list, replaced, deleted, gone] = lines;

    expect(JSON.parse(register!).data.register.user.id).toMatch(/^[0-9a-f]{24}$/);
    expect(JSON.parse(upload!).data.uploadProfilePicture).toMatchObject({
      message: "Profile picture updated successfully",
      media: { width: 512, height: 600 },
    });
    expect(original).toBe("200 image/jpeg 61234 bytes");
    expect(thumbnail).toMatch(/^200 image\/jpeg \d{4} bytes$/);
    expect(JSON.parse(list!).data.users.edges).toMatchObject([
      { node: { username: "grace", profilePicture: { viewCount: 2 } } },
    ]);
    expect(JSON.parse(replaced!)).toMatchObject({
      success: true,
      message: "Profile picture updated successfully",
    });
    expect(JSON.parse(deleted!)).toEqual({ success: true, message: "Profile picture deleted successfully" });
    expect(JSON.parse(gone!)).toMatchObject({ success: false, code: "MEDIA_NOT_FOUND" });
    expect(lines).toHaveLength(8);
  });
});

describe("the README", () => {
  it("names commands that exist", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
      scripts: Record<string, string>;
    };

    const text = documents.map((file) => readFileSync(file, "utf8")).join("\n");
    const named = [...text.matchAll(/npm (?:run ([a-z:]+)|(start|test)\b)/g)].map(
      ([, script, shortcut]) => (script ?? shortcut)!,
    );

    expect(named).toEqual(expect.arrayContaining(["start", "test", "doctor", "backup"]));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it.each(documents)("and the other documents link only to files that exist: %s", (file) => {
    const targets = linksOf(file).map((target) => path.join(path.dirname(file), target));

    expect(targets.filter((target) => !existsSync(target))).toEqual([]);
  });

  it("lists every error code, with its status", () => {
    const rows = readme
      .split("## Errors\n")[1]!
      .split("\n## ")[0]!
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    const listed = rows.flatMap((row) => {
      const [, codes, status] = row.split("|");
      return [...codes!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(status)]);
    });

    expect(Object.fromEntries(listed)).toEqual(errorStatus);
  });

  it("shows React code that is type-checked with the page", () => {
    const [, shown] = /```tsx\n([^]*?)```/.exec(readme)!;
    const checked = readFileSync("src/web/example.tsx", "utf8").replace(/^\/\/.*\n/, "");

    expect(shown).toBe(checked);
  });

  it("names every package that the copied files import", () => {
    const [, installed = ""] = /npm install (@apollo[^`]+)`/.exec(readme)!;
    const files = [
      ...readdirSync("src/web/api").map((name) => `api/${name}`),
      ...["ProfilePicture.tsx", "useProfilePictureUpload.ts"].map((name) => `picture/${name}`),
    ].filter((name) => /\.tsx?$/.test(name));
    const imports = files.flatMap((name) =>
      [...readFileSync(`src/web/${name}`, "utf8").matchAll(/from "([^."][^"]*)"/g)].map(([, from]) => from!),
    );
    const packages = new Set(imports.map((from) => /^(@[^/]+\/)?[^/]+/.exec(from)![0]));
    for (const name of ["react", "@graphql-typed-document-node/core"]) packages.delete(name); // A React app has them.

    expect(installed.split(" ").toSorted()).toEqual([...new Set([...packages, "rxjs"])].toSorted());
  });

  it("has fewer than 250 lines", () => {
    expect(readme.split("\n").length).toBeLessThan(250);
  });
});

describe("the table of settings", () => {
  const rows = readFileSync("docs/configuration.md", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name, fallback]) => ({ name: name!.replaceAll("`", ""), fallback: fallback! }));

  /** The names of the variables that `loadConfig` reads. */
  function variablesRead(environment: Record<string, string>): string[] {
    const read = new Set<string>();
    const recording = new Proxy(environment, {
      get(target, name) {
        read.add(String(name));
        return target[String(name)];
      },
    });
    loadConfig(recording);
    return [...read];
  }

  it("has a row for each variable that is read, and no other rows", () => {
    const keySet = { JWT_JWKS_URL: "https://id.example/keys", JWT_ISSUER: "a", JWT_AUDIENCE: "b" };
    const shared = { MONGODB_URI: "mongodb://db.example/letsapp", ...keySet };
    const bucket = { STORAGE_URL: "s3://bucket", CDN_PURGE_URL: "https://cdn.example/{key}" };
    const read = [{}, shared, bucket].flatMap(variablesRead);

    expect(rows.map(({ name }) => name).toSorted()).toEqual([...new Set(read)].toSorted());
  });

  it("has the true defaults: setting a variable to its default changes nothing", () => {
    const base = { CDN_PURGE_URL: "https://cdn.example/{key}" };
    const documented = rows.filter(({ fallback }) => /^`[^A-Z]|^`PURGE`$/.test(fallback));
    const changed = documented.filter(({ name, fallback }) => {
      const config = loadConfig({ ...base, [name]: fallback.replaceAll("`", "") });
      return JSON.stringify(config) !== JSON.stringify(loadConfig(base));
    });

    expect(documented.length).toBeGreaterThan(15);
    expect(changed).toEqual([]);
  });
});
