// Puts a server under load and compares two of them in turns, so that what else the machine does hits both. Called by
// the files of `comparisons/`.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { Load, LoadResult } from "./client.ts";

export interface Request {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
}

/** The request as it stands on the wire. */
export function toWire({ method = "GET", path, headers = {}, body }: Request): string {
  const lines = [`${method} ${path} HTTP/1.1`, "host: 127.0.0.1"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body) lines.push(`content-length: ${body.length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return Buffer.concat([head, body ?? Buffer.alloc(0)]).toString("base64");
}

/** @throws Error when any answer was a failure */
export async function putUnderLoad(url: string, load: Omit<Load, "port">): Promise<LoadResult> {
  const argument = JSON.stringify({ ...load, port: Number(new URL(url).port) });
  const client = new URL("client.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", client, argument]);
  const result = JSON.parse(stdout) as LoadResult;
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.answers} requests failed`);
  return result;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
