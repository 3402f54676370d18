// Puts a server under load from a separate process, and starts the scripts of this folder.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import type { LoadResult, WireRequest } from "./client.ts";

export interface Request {
  kind?: string;
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
}

export interface Load {
  url: string;
  requests: readonly Request[];
  connections: number;
  seconds: number;
}

const scripts = import.meta.dirname;
let fileCount = 0;

/** @param folder receives a file with the requests @throws Error when any request fails */
export async function putUnderLoad(folder: string, { url, requests, ...load }: Load): Promise<LoadResult> {
  const requestsFile = path.join(folder, `requests-${++fileCount}.json`);
  await writeFile(requestsFile, JSON.stringify(requests.map(toWire)));
  const argument = JSON.stringify({ ...load, requestsFile, port: Number(new URL(url).port) });
  const client = path.join(scripts, "client.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", client, argument]);
  const result = JSON.parse(stdout) as LoadResult;
  if (result.failures > 0) throw new Error(`${result.failures} requests failed: ${stdout}`);
  return result;
}

function toWire({ kind = "all", method = "GET", path: route, headers = {}, body }: Request): WireRequest {
  const lines = [`${method} ${route} HTTP/1.1`, "host: 127.0.0.1"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body) lines.push(`content-length: ${body.length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return { kind, bytes: Buffer.concat([head, body ?? Buffer.alloc(0)]).toString("base64") };
}

/** Starts a script of this folder as a server. The script prints its address once it listens. */
export async function startScript(
  script: string,
  argument: object,
): Promise<{ url: string; pid: number; stop: () => void }> {
  const file = path.join(scripts, script);
  const child: ChildProcess = spawn(process.execPath, ["--import", "tsx", file, JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [address] = (await once(child.stdout!, "data")) as [Buffer];
  return { url: address.toString().trim(), pid: child.pid!, stop: () => child.kill("SIGKILL") };
}

/** Encodes a multipart form with one file. */
export function toForm(fields: Record<string, string>, fileField: string, file: Buffer) {
  const boundary = "----benchmark";
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const fileHead = `--${boundary}\r\ncontent-disposition: form-data; name="${fileField}"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(parts.join("") + fileHead),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { body, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
}
