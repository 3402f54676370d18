// Collects the HTTP methods of each path, for `Allow` headers. Source: RFC 9110, sections 9.3.7 and 15.5.6.
import type { FastifyInstance } from "fastify";

export class AllowedMethods {
  readonly #routes: { pattern: RegExp; methods: readonly string[] }[] = [];

  /** Collects only routes that are registered after this call. */
  constructor(app: FastifyInstance) {
    app.addHook("onRoute", ({ url, method }) => {
      const methods = [method].flat().filter((name) => name !== "OPTIONS");
      if (methods.length > 0 && url !== "*") this.add(url, methods);
    });
  }

  /** Adds a path that is served outside of the web framework. */
  add(url: string, methods: readonly string[]): void {
    this.#routes.push({ pattern: toPattern(url), methods });
  }

  /** Returns the value of the `Allow` header for a path; null if no route matches the path. */
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
