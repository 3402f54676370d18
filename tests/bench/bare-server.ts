// Baseline for serving pictures: node:http and nothing else. Runs as a separate process, reads a `BareTask` from its
// first argument and prints its address.
import { readFile } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface BareTask {
  status: number;
  headers: Record<string, string>;
  /** `file` is sent from memory. Without it, the path of each request names a file in `folder`, which is read. */
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
