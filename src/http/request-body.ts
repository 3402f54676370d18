// Keeps a connection usable after a request with a body. Rejects a body that is far too large before it is read, and
// drains a body that no handler has read to its end.
import type { IncomingHttpHeaders } from "node:http";
import { finished } from "node:stream/promises";

import type { FastifyInstance, FastifyRequest } from "fastify";

import { AppError } from "../errors.ts";

/**
 * How long, and for how many bytes, an early answer waits for the rest of the body. A browser that cannot finish
 * sending a photograph shows a network error instead of the answer.
 */
const DRAIN_TIMEOUT_MS = 10_000;
const MAX_DRAINED_BYTES = 32 * 1024 * 1024;

/** @param tooLarge creates the error for a body whose announced length exceeds `maxBodyBytes` */
export function guardRequestBodies(
  app: FastifyInstance,
  { maxBodyBytes, tooLarge }: { maxBodyBytes: number; tooLarge: () => AppError },
): void {
  app.addHook("onRequest", async (request) => {
    if (announcedBytes(request) > maxBodyBytes) throw tooLarge();
  });
  // Closes the connection after a body that was not drained. Otherwise Node would read the rest of it, without a limit.
  app.addHook("onSend", async (request, reply) => {
    if (await drain(request)) return;
    reply.header("connection", "close");
  });
}

/** Reads the rest of the body. @returns true when the end was reached within the limits */
async function drain(request: FastifyRequest): Promise<boolean> {
  const { raw } = request;
  if (raw.readableEnded || !hasBody(request.headers)) return true;
  if (announcedBytes(request) > MAX_DRAINED_BYTES) return false;
  let bytes = 0;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), DRAIN_TIMEOUT_MS);
  raw.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) abort.abort();
  });
  raw.unpipe(); // The previous reader has stopped.
  raw.resume();
  try {
    await finished(raw, { signal: abort.signal, writable: false });
    return true;
  } catch {
    return false; // Too slow, too large, or the client disconnected.
  } finally {
    clearTimeout(timer);
  }
}

function announcedBytes({ headers }: FastifyRequest): number {
  return Number(headers["content-length"] ?? 0);
}

export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
