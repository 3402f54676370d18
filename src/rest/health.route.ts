// What operators and load balancers ask. Registered by `app.ts`.
import type { FastifyInstance } from "fastify";

import type { Metrics } from "../http/metrics.ts";

export interface HealthRouteOptions {
  metrics: Metrics;
  /** Each rejects when its part cannot do its work now. */
  checks: Record<string, () => Promise<void>>;
}

export function registerHealthRoutes(app: FastifyInstance, { metrics, checks }: HealthRouteOptions): void {
  /** The process is up, whatever it depends on. */
  app.get("/healthz", async (_request, reply) => {
    return reply.header("cache-control", "no-store").send({ status: "ok" });
  });

  /** Everything that a request needs answers. */
  app.get("/readyz", async (request, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => {
        try {
          await check();
          return [name, "ok"] as const;
        } catch (error) {
          request.log.error({ err: error, check: name }, "not ready");
          return [name, "unavailable"] as const;
        }
      }),
    );
    const isReady = results.every(([, state]) => state === "ok");
    const body = { status: isReady ? "ok" : "unavailable", checks: Object.fromEntries(results) };
    return reply
      .code(isReady ? 200 : 503)
      .header("cache-control", "no-store")
      .send(body);
  });

  app.get("/metrics", async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.render());
  });
}
