// Starts the S3 server and the GCS server of other projects, if `tests/object-stores/install.sh` has built them.
import { generateKeyPairSync } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";

import type { BucketConfig } from "../../src/config/config.ts";
import { freePort, whenListening } from "./ports.ts";

const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache");
const home = process.env.LETSAPP_OBJECT_STORES_DIR ?? path.join(cache, "letsapp-object-stores");

/** Credentials that the S3 server accepts. */
export const credentials = { AWS_ACCESS_KEY_ID: "letsapp", AWS_SECRET_ACCESS_KEY: "letsapp-secret" };

export const BUCKET = "pictures";

interface Kind {
  program: string;
  /** @param folder holds the buckets, each as a subfolder */
  args: (port: number, folder: string) => string[];
}

const kinds: Record<BucketConfig["kind"], Kind> = {
  s3: {
    program: "versitygw",
    args: (port, folder) => {
      const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = credentials;
      const options = `--access ${access} --secret ${secret} --port 127.0.0.1:${port} --quiet --keep-alive`;
      return [...options.split(" "), "posix", folder];
    },
  },
  gcs: {
    program: "fake-gcs-server",
    args: (port, folder) => {
      const options = `-scheme http -host 127.0.0.1 -port ${port} -public-host 127.0.0.1:${port} -log-level error`;
      return [...options.split(" "), "-external-url", `http://127.0.0.1:${port}`, "-filesystem-root", folder];
    },
  },
};

export function isInstalled(kind: BucketConfig["kind"]): boolean {
  return existsSync(path.join(home, kinds[kind].program));
}

/** An object store with one bucket. `pause()` kills it, and `resume()` starts it again on the same port. */
export class ObjectStore {
  #child: ChildProcess | null = null;

  private constructor(
    readonly kind: BucketConfig["kind"],
    readonly port: number,
    readonly folder: string,
  ) {}

  static async start(kind: BucketConfig["kind"]): Promise<ObjectStore> {
    const folder = await mkdtemp(path.join(tmpdir(), `letsapp-${kind}-`));
    await mkdir(path.join(folder, BUCKET));
    // The SDKs read their credentials from the environment.
    if (kind === "s3") Object.assign(process.env, credentials);
    else process.env.GOOGLE_APPLICATION_CREDENTIALS = await writeServiceAccount(folder);
    const store = new ObjectStore(kind, await freePort(), folder);
    await store.resume();
    return store;
  }

  /** @param endpoint another address of the same store, such as that of a proxy */
  config(prefix = "", endpoint = `http://127.0.0.1:${this.port}`): BucketConfig {
    return { kind: this.kind, bucket: BUCKET, prefix, region: null, endpoint };
  }

  async resume(): Promise<void> {
    const { program, args } = kinds[this.kind];
    this.#child = spawn(path.join(home, program), args(this.port, this.folder), {
      stdio: ["ignore", "ignore", "inherit"],
    });
    await whenListening(this.#child, this.port);
  }

  async pause(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    await this.pause();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Writes a service account whose key signs URLs. The store does not check who signed them. */
async function writeServiceAccount(folder: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    project_id: "letsapp",
    client_email: "letsapp@example.com",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
  const file = path.join(folder, "service-account.json");
  await writeFile(file, JSON.stringify(account));
  return file;
}
