// The page that people see who open the address: built from `src/web/` by Vite, served as it is. Registered by
// `app.ts`.
import { readFile } from "node:fs/promises";
import path from "node:path";

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

import { nullIfMissing } from "../runtime/files.ts";

/** The same from `src/rest` and `dist/rest`. */
const BUILT_DIR = path.join(import.meta.dirname, "../../dist/web");

export interface WebPageOptions {
  /** Where pictures come from: this service under its public name, a CDN in front of it, a bucket. */
  pictureOrigins: () => string[];
}

export async function webPage(app: FastifyInstance, { pictureOrigins }: WebPageOptions): Promise<void> {
  const page = await readBuilt("index.html");
  if (!page) return app.log.warn("the page is not built: npm run build");
  app.get("/", async (_request, reply) => {
    return reply
      .header("content-security-policy", contentSecurityPolicy(pictureOrigins()))
      .header("cache-control", "no-cache") // It names its scripts, whose names change with what is in them.
      .type("text/html; charset=utf-8")
      .send(page);
  });
  app.addHook("onSend", async (_request, reply) => {
    reply.header("vary", "origin, accept-encoding"); // Of each asset there are three forms.
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
    `img-src 'self' ${pictureOrigins.join(" ")} data: blob:`, // A blur, and the file that somebody is about to upload.
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

async function readBuilt(name: string): Promise<Buffer | null> {
  return nullIfMissing(readFile(path.join(BUILT_DIR, name)));
}
