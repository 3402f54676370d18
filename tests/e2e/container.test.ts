// Checks the Dockerfile and compose.yaml without a container engine: runs the commands of the Dockerfile in a plain
// folder, and reads compose.yaml.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { loadConfig } from "../../src/config/config.ts";
import { freePort } from "../support/ports.ts";

interface Instruction {
  name: string;
  text: string;
}

/** The instructions of each stage of the Dockerfile. */
function readStages(): Instruction[][] {
  const lines = readFileSync("Dockerfile", "utf8")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  const stages: Instruction[][] = [];
  for (const line of lines.filter((one) => one !== "" && !one.startsWith("#"))) {
    const [, name, text] = /^(\S+) (.*)$/.exec(line)!;
    if (name === "FROM") stages.push([]);
    stages.at(-1)!.push({ name: name!, text: text! });
  }
  return stages;
}

const textsOf = (stage: Instruction[], name: string) =>
  stage.filter((one) => one.name === name).map(({ text }) => text);

describe("the Dockerfile", () => {
  const [build, image] = readStages() as [Instruction[], Instruction[]];
  const imageEnv = Object.fromEntries(
    textsOf(image, "ENV").flatMap((text) => text.split(" ").map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
  ) as Record<string, string>;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "letsapp-image-"));
    const app = path.join(folder, "build");
    for (const { name, text } of build) {
      if (name === "COPY") {
        const [to, ...from] = text.split(" ").toReversed();
        for (const one of from)
          await cp(one, path.join(app, to!, from.length > 1 ? one : ""), { recursive: true });
      }
      if (name === "RUN")
        await promisify(execFile)("sh", ["-c", text], {
          cwd: app,
          env: { PATH: process.env.PATH, HOME: process.env.HOME },
        });
      if (name === "WORKDIR") await mkdir(app, { recursive: true });
    }
    for (const text of textsOf(image, "COPY")) {
      const [, from, to] = /^--from=build \/app\/(\S+) \.\/(\S*)$/.exec(text)!;
      await cp(path.join(app, from!), path.join(folder, "image", to || from!), { recursive: true });
    }
  }, 240_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("builds a service that starts, is healthy, and stops on SIGTERM", async () => {
    const [command, ...args] = JSON.parse(textsOf(image, "CMD")[0]!) as [string, ...string[]];
    const { LD_PRELOAD: _jemalloc, HOST: _anywhere, ...env } = imageEnv;
    const port = String(await freePort());
    const child = spawn(command, args, {
      cwd: path.join(folder, "image"),
      env: {
        ...env,
        PATH: process.env.PATH,
        INSTANCE_DIR: path.join(folder, "instance"),
        PORT: port,
        LOG_LEVEL: "warn",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const health = /CMD (\[.*\])$/.exec(textsOf(image, "HEALTHCHECK")[0]!)![1]!;
    const [checker, ...checkArgs] = JSON.parse(health) as [string, ...string[]];
    const check = await promisify(execFile)(checker, checkArgs, {
      env: { PATH: process.env.PATH, PORT: port },
    });
    const page = await fetch(`http://127.0.0.1:${port}/`);
    const exited = once(child, "exit");
    child.kill("SIGTERM");

    expect(check.stderr).toBe("");
    expect(page.status).toBe(200);
    expect(await exited).toEqual([0, null]);
  });

  it("runs as an unprivileged user, with variables that the service accepts", () => {
    expect(textsOf(image, "USER")).toEqual(["node"]);
    expect(() => loadConfig(imageEnv)).not.toThrow();
    expect(readStages().map(([from]) => from!.text.split(" ")[0])).toEqual([
      "node:22-bookworm-slim",
      "node:22-bookworm-slim",
    ]);
  });
});

describe("compose.yaml", () => {
  // eslint-disable-next-line typescript/no-explicit-any
  const compose: any = parse(readFileSync("compose.yaml", "utf8"), { merge: true });
  const services: [string, Record<string, unknown>][] = Object.entries(compose.services);

  it("gives each server a valid configuration, its secrets, and no capabilities", () => {
    for (const name of ["server1", "server2"]) {
      const { environment, secrets, read_only, cap_drop } = compose.services[name];
      const { AWS_SHARED_CREDENTIALS_FILE, ...ours } = environment;
      const config = loadConfig(ours);

      expect(config.storage).toMatchObject({ kind: "s3", bucket: "pictures" });
      expect(config.database.kind).toBe("mongodb");
      expect([ours.JWT_SECRET_FILE, AWS_SHARED_CREDENTIALS_FILE].map((file) => path.basename(file))).toEqual(
        secrets,
      );
      expect([read_only, cap_drop]).toEqual([true, ["ALL"]]);
    }
  });

  it("defines every name that it uses, and publishes ports on loopback only", () => {
    const names = new Set(services.map(([name]) => name));
    const known = { ...compose.volumes, ...compose.secrets };
    const used = services.flatMap(([, { depends_on, volumes = [], secrets = [] }]) => [
      ...Object.keys((depends_on as object | undefined) ?? {}),
      ...(volumes as string[]).map((volume) => volume.split(":")[0]!),
      ...(secrets as string[]),
    ]);
    const ports = services.flatMap(([, service]) => (service.ports as string[] | undefined) ?? []);
    const images = services.flatMap(([, { image }]) => (image as string | undefined) ?? []);

    expect(used.filter((name) => !names.has(name) && !(name in known))).toEqual([]);
    expect(ports.every((port) => port.startsWith("127.0.0.1:"))).toBe(true);
    expect(images.every((image) => /:v?\d+\.\d+/.test(image))).toBe(true);
    expect(services.every(([, service]) => service.privileged === undefined)).toBe(true);
  });
});
