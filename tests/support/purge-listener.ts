// A stand-in for the purge endpoint of a CDN, which records the requests that it receives.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface Purge {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export class PurgeListener {
  readonly purges: Purge[] = [];
  /** The status of each response; "nothing" leaves requests without a response. */
  answer: number | "nothing" = 200;
  /** The path that is always answered 404. */
  refused: string | null = null;

  private constructor(readonly server: Server) {
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, url, headers } = request;
        this.purges.push({
          method: method!,
          path: url!,
          headers,
          body: Buffer.concat(chunks).toString(),
        });
        const answer = url === this.refused ? 404 : this.answer;
        if (answer !== "nothing") response.writeHead(answer).end("noted");
      });
    });
  }

  static async start(): Promise<PurgeListener> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PurgeListener(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Number of requests for each path. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { path } of this.purges) counts[path] = (counts[path] ?? 0) + 1;
    return counts;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
