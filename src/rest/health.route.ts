// Health checks for load balancers, and metrics for operators.
import type { FastifyInstance } from "fastify";

import type { Metrics } from "../http/metrics.ts";

export interface HealthRouteOptions {
  metrics: Metrics;
  /** Checks by the name of a dependency. A check rejects while its dependency is unavailable. */
  checks: Record<string, () => Promise<void>>;
}

export function registerHealthRoutes(app: FastifyInstance, { metrics, checks }: HealthRouteOptions): void {
  /** Succeeds while the process runs, also when a dependency is unavailable. */
  app.get("/healthz", async (_request, reply) => {
    return reply.header("cache-control", "no-store").send({ status: "ok" });
  });

  /** Succeeds while all dependencies are available. */
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
