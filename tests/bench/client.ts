// Sends requests over a few connections as fast as they are answered, and measures rate and latencies. Runs as a
// separate process, reads a `Load` from its first argument and prints a `LoadResult`.
import { readFileSync } from "node:fs";
import net from "node:net";

export interface Load {
  port: number;
  connections: number;
  seconds: number;
  /** A JSON file of `WireRequest`s. Each connection sends them in order, and each starts at a different one. */
  requestsFile: string;
}

export interface WireRequest {
  kind: string;
  /** The whole HTTP request, in base64. */
  bytes: string;
}

export interface Latency {
  count: number;
  /** Percentiles in milliseconds. */
  p50: number;
  p99: number;
  max: number;
}

export interface LoadResult {
  perSecond: number;
  /** Answers whose status was not 2xx or 304. */
  failures: number;
  kinds: Record<string, Latency>;
}

const { port, connections, seconds, requestsFile } = JSON.parse(process.argv[2]!) as Load;
const requests = (JSON.parse(readFileSync(requestsFile, "utf8")) as WireRequest[]).map((request) => ({
  kind: request.kind,
  bytes: Buffer.from(request.bytes, "base64"),
}));
const latencies: Record<string, number[]> = {};
for (const { kind } of requests) latencies[kind] = [];
let failures = 0;
const startedAt = performance.now();
const endAt = startedAt + seconds * 1000;

await Promise.all(Array.from({ length: connections }, (_, lane) => runLane(lane)));
const elapsedSeconds = (performance.now() - startedAt) / 1000;
const all = Object.values(latencies).reduce((sum, { length }) => sum + length, 0);
const result: LoadResult = {
  perSecond: all / elapsedSeconds,
  failures,
  kinds: Object.fromEntries(Object.entries(latencies).map(([kind, values]) => [kind, summarise(values)])),
};
console.log(JSON.stringify(result));

function summarise(values: number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { count: values.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Sends one request after another on one connection. */
function runLane(lane: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = Math.floor((lane * requests.length) / connections);
    let kind = "";
    let sentAt = 0;
    let head = "";
    let missingBytes = -1; // Bytes of the body that are still missing; -1 until the head is complete.
    const socket = net.connect(port, "127.0.0.1");
    const send = () => {
      const request = requests[next]!;
      kind = request.kind;
      sentAt = performance.now();
      socket.write(request.bytes);
      next = (next + 1) % requests.length;
    };
    socket.setNoDelay(true);
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", resolve);
    socket.on("data", (chunk) => {
      if (missingBytes < 0) {
        head += chunk.toString("latin1");
        const headEnd = head.indexOf("\r\n\r\n");
        if (headEnd === -1) return;
        const status = Number(head.slice(9, 12));
        if (status !== 304 && (status < 200 || status > 299)) failures += 1;
        const length = status === 304 ? 0 : /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        missingBytes = Number(length ?? 0) - (head.length - headEnd - 4);
      } else {
        missingBytes -= chunk.length;
      }
      if (missingBytes > 0) return;
      const now = performance.now();
      latencies[kind]!.push(now - sentAt);
      head = "";
      missingBytes = -1;
      if (now < endAt) send();
      else socket.end();
    });
  });
}
