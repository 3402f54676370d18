// Collects the methods that each address takes, for `Allow` headers. Used by `app.ts`. Source: RFC 9110, sections 9.3.7 and 15.5.6.
import type { FastifyInstance } from "fastify";

export class AllowedMethods {
  readonly #routes: { pattern: RegExp; methods: readonly string[] }[] = [];

  /** Sees only routes that are registered later. */
  constructor(app: FastifyInstance) {
    app.addHook("onRoute", ({ url, method }) => {
      const methods = [method].flat().filter((name) => name !== "OPTIONS");
      if (methods.length > 0 && url !== "*") this.add(url, methods);
    });
  }

  /** Adds an address that is answered outside of the web framework. */
  add(url: string, methods: readonly string[]): void {
    this.#routes.push({ pattern: toPattern(url), methods });
  }

  /** In the form of an `Allow` header; null where there is nothing at that address. */
  find(path: string): string | null {
    const methods = this.#routes
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => route.methods);
    return methods.length > 0 ? [...new Set([...methods, "OPTIONS"])].join(", ") : null;
  }
}

function toPattern(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/:\w+/g, "[^/]+").replaceAll("*", ".*")}/?$`);
}
