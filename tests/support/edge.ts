// Starts nginx and Varnish from Debian's packages, with the configurations of `docs/deploy.md`.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { freePort, whenListening } from "./ports.ts";

const programs = {
  nginx: ["/usr/sbin/nginx", "/usr/bin/nginx"].find(existsSync),
  varnishd: ["/usr/sbin/varnishd", "/usr/bin/varnishd"].find(existsSync),
};

export function isInstalled(program: keyof typeof programs): boolean {
  return programs[program] !== undefined;
}

function configurationOf(language: "nginx" | "vcl"): string {
  return readFileSync("docs/deploy.md", "utf8").split(`\`\`\`${language}\n`)[1]!.split("```")[0]!;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM"); // nginx and Varnish end their own workers.
});

/** A cache in front of one or several processes of the service. */
export class Edge {
  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly folder: string,
  ) {
    running.add(child);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @param origins ports of the service's processes */
  static async startNginx(origins: readonly number[]): Promise<Edge> {
    const [folder, port] = [await mkdtemp(path.join(tmpdir(), "letsapp-nginx-")), await freePort()];
    const http = configurationOf("nginx")
      .replace(/server 127\.0\.0\.1:4000.*;/, (line) =>
        origins.map((origin) => line.replace("4000", String(origin))).join(" "),
      )
      .replace(/listen 80;/, `listen 127.0.0.1:${port};`)
      .replace("/var/cache/nginx/letsapp", path.join(folder, "cache"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${path.join(folder, name)};`,
    );
    const file = path.join(folder, "nginx.conf");
    await writeFile(
      file,
      `daemon off; ${process.getuid?.() === 0 ? "user root;" : ""} worker_processes 1; pid ${path.join(folder, "pid")};
      error_log stderr crit;
      events { worker_connections 4096; }
      http { access_log off; ${temporary.join(" ")} ${http} }`,
    );
    const child = spawn(programs.nginx!, ["-c", file, "-p", folder, "-e", "stderr"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return new Edge(child, port, folder).#listening();
  }

  /** @param port the port to listen on; without one, any free port */
  static async startVarnish(origin: number, port?: number): Promise<Edge> {
    const folder = await mkdtemp(path.join(tmpdir(), "letsapp-varnish-"));
    const ownPort = port ?? (await freePort());
    const file = path.join(folder, "letsapp.vcl");
    await writeFile(file, configurationOf("vcl").replace('.port = "4000"', `.port = "${origin}"`));
    await mkdir(path.join(folder, "work"));
    const options = ["-F", "-j", "none", "-n", path.join(folder, "work"), "-f", file, "-s", "malloc,64m"];
    const child = spawn(programs.varnishd!, [...options, "-a", `127.0.0.1:${ownPort}`], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    return new Edge(child, ownPort, folder).#listening();
  }

  async stop(): Promise<void> {
    running.delete(this.child);
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, "exit");
      this.child.kill("SIGTERM");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #listening(): Promise<this> {
    await whenListening(this.child, this.port);
    return this;
  }
}
