// What any server of pictures costs at least: node:http, and nothing around it. A process of its own, started by
// `comparisons.ts`; it reads what to do from its first argument and prints its address.
import { readFile } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface BareTask {
  status: number;
  headers: Record<string, string>;
  /** Files: the first one is sent from memory, or each request's path names one that is read. */
  file?: string;
  folder?: string;
}

const { status, headers, file, folder } = JSON.parse(process.argv[2]!) as BareTask;

if (file)
  readFile(file, (_error, bytes) =>
    listen((_request, response) => response.writeHead(status, headers).end(bytes)),
  );
else if (!folder) listen((_request, response) => response.writeHead(status, headers).end());
else {
  listen((request, response) => {
    readFile(folder + request.url!, (error, bytes) => {
      if (error) response.writeHead(500).end();
      else response.writeHead(status, { ...headers, "content-length": bytes.length }).end(bytes);
    });
  });
}

function listen(answer: http.RequestListener): void {
  const server = http.createServer(answer).listen(0, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}
