// Keeps a connection usable whatever becomes of a request's body: refuses early what is far too large, and reads
// to its end what nobody wanted. Registered by `server.ts` for every route.
import { finished } from "node:stream/promises";

import type { FastifyInstance, FastifyRequest } from "fastify";

import { AppError } from "../errors.ts";

/**
 * An answer that comes before the body has ended is held back this long and for this much of the body: a browser
 * that cannot send a photograph to its end shows no answer, but a network error.
 */
const DRAIN_TIMEOUT_MS = 10_000;
const MAX_DRAINED_BYTES = 32 * 1024 * 1024;

/** @param tooLarge the refusal of a body whose announced length is over `maxBodyBytes` */
export function guardRequestBodies(
  app: FastifyInstance,
  { maxBodyBytes, tooLarge }: { maxBodyBytes: number; tooLarge: () => AppError },
): void {
  app.addHook("onRequest", async (request) => {
    if (announcedBytes(request) > maxBodyBytes) throw tooLarge();
  });
  // Else the rest of the body would be taken for the next request, or nobody would ever read it.
  app.addHook("onSend", async (request, reply) => {
    if (await drain(request)) return;
    reply.header("connection", "close");
  });
}

/** True once the body has been read to its end, within bounds. */
async function drain(request: FastifyRequest): Promise<boolean> {
  const { raw } = request;
  if (raw.readableEnded || !hasBody(request)) return true;
  if (announcedBytes(request) > MAX_DRAINED_BYTES) return false;
  let bytes = 0;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), DRAIN_TIMEOUT_MS);
  raw.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) abort.abort();
  });
  raw.unpipe(); // Whoever was reading has given up.
  raw.resume();
  try {
    await finished(raw, { signal: abort.signal, writable: false });
    return true;
  } catch {
    return false; // Too long, too much, or the client went away: the connection ends with this answer.
  } finally {
    clearTimeout(timer);
  }
}

function announcedBytes({ headers }: FastifyRequest): number {
  return Number(headers["content-length"] ?? 0);
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
