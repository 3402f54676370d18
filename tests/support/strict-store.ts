// A store with the S3 protocol as it was before checksum headers: it rejects them, and checks a body by the SHA-256 in
// the request's signature.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import { credentials } from "./object-stores.ts";

/** Headers and query parameters that came with the checksums. */
const unknownPattern = /^x-amz-(checksum|sdk-checksum|trailer|decoded-content)/i;

export class StrictStore {
  /** The stored objects by the path of their URL. */
  readonly objects = new Map<string, Buffer>();
  /** The headers of the requests that stored an object. */
  readonly puts: IncomingMessage["headers"][] = [];
  /** The names of all headers and query parameters that were rejected. */
  readonly rejected: string[] = [];
  /** Changes the body of an upload on its way to the store. */
  onTheWay: (body: Buffer) => Buffer = (body) => body;

  private constructor(readonly server: Server) {
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<StrictStore> {
    Object.assign(process.env, credentials); // The SDK reads its credentials from the environment.
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StrictStore(server);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url!, this.endpoint);
    const unknown = [...Object.keys(request.headers), ...url.searchParams.keys()].filter((name) =>
      unknownPattern.test(name),
    );
    if (request.headers["content-encoding"]?.includes("aws-chunked")) unknown.push("content-encoding");
    this.rejected.push(...unknown);
    if (unknown.length > 0) return sendError(request, response, 501, "NotImplemented");
    if (request.method === "PUT") return this.#put(request, response, url.pathname, body);
    if (request.method === "DELETE") return this.#delete(response, url.pathname);
    if (url.searchParams.has("list-type")) return this.#list(response, url);
    this.#send(request, response, url.pathname);
  }

  #put(request: IncomingMessage, response: ServerResponse, key: string, sent: Buffer): void {
    const body = this.onTheWay(sent);
    this.puts.push(request.headers);
    if (request.headers["x-amz-content-sha256"] !== createHash("sha256").update(body).digest("hex"))
      return sendError(request, response, 400, "XAmzContentSHA256Mismatch");
    this.objects.set(key, body);
    response.writeHead(200, { etag: etagOf(body) }).end();
  }

  #delete(response: ServerResponse, key: string): void {
    this.objects.delete(key);
    response.writeHead(204).end();
  }

  #list(response: ServerResponse, url: URL): void {
    const start = `${url.pathname.replace(/\/$/, "")}/`;
    const contents = [...this.objects]
      .map(([key, { length }]) => ({ name: key.slice(start.length), length }))
      .filter(({ name }) => name.startsWith(url.searchParams.get("prefix") ?? ""))
      .map(
        ({ name, length }) =>
          `<Contents><Key>${name}</Key><Size>${length}</Size><LastModified>${new Date().toISOString()}</LastModified></Contents>`,
      );
    const list = `<Name>pictures</Name><IsTruncated>false</IsTruncated>${contents.join("")}`;
    sendXml(response, 200, `<ListBucketResult>${list}</ListBucketResult>`);
  }

  #send(request: IncomingMessage, response: ServerResponse, key: string): void {
    const bytes = this.objects.get(key);
    if (!bytes) return sendError(request, response, 404, "NoSuchKey");
    response.writeHead(200, { etag: etagOf(bytes), "content-length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }
}

function sendError(request: IncomingMessage, response: ServerResponse, status: number, code: string): void {
  if (request.method === "HEAD") response.writeHead(status).end();
  else sendXml(response, status, `<Error><Code>${code}</Code></Error>`);
}

function sendXml(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${xml}`);
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}
