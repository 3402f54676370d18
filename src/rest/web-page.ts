// Serves the web page, which Vite has built from `src/web/`.
import { readFile } from "node:fs/promises";
import path from "node:path";

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

import { nullIfMissing } from "../runtime/files.ts";

/** The path is the same from `src/rest` and from `dist/rest`. */
const BUILT_DIR = path.join(import.meta.dirname, "../../dist/web");

export interface WebPageOptions {
  /** Origins from which the page loads pictures: this service under its public name, a CDN, a bucket. */
  pictureOrigins: () => string[];
}

export async function webPage(app: FastifyInstance, { pictureOrigins }: WebPageOptions): Promise<void> {
  const page = await readBuilt("index.html");
  if (!page) return app.log.warn("the web page is not built; to build it, run: npm run build");
  app.get("/", async (_request, reply) => {
    return reply
      .header("content-security-policy", contentSecurityPolicy(pictureOrigins()))
      .header("cache-control", "no-cache") // A stored copy may name scripts of an earlier build.
      .type("text/html; charset=utf-8")
      .send(page);
  });
  app.addHook("onSend", async (_request, reply) => {
    reply.header("vary", "origin, accept-encoding"); // Each asset exists uncompressed and in two compressed forms.
  });
  await app.register(fastifyStatic, {
    root: path.join(BUILT_DIR, "assets"),
    prefix: "/assets/",
    index: false,
    decorateReply: false,
    preCompressed: true,
    immutable: true,
    maxAge: "365d",
  });
}

function contentSecurityPolicy(pictureOrigins: string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' ${pictureOrigins.join(" ")} data: blob:`, // Blurred pictures, and files before their upload.
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

async function readBuilt(name: string): Promise<Buffer | null> {
  return nullIfMissing(readFile(path.join(BUILT_DIR, name)));
}
