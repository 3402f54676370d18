// Counts what an operator wants to see, for Prometheus. Made by `app.ts`, shown by `rest/health.route.ts`.
import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export class Metrics {
  readonly #registry = new Registry();
  readonly #requestSeconds: Histogram<"method" | "route" | "status">;

  /** @param viewCounts views counted since the start, and those that are not in the database yet */
  constructor(viewCounts: () => { counted: number; pending: number }) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requestSeconds = new Histogram({
      name: "http_request_duration_seconds",
      help: "Time from the start of a request to the end of its answer.",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers,
    });
    new Counter({
      name: "views_counted_total",
      help: "Views of pictures since the start of this process.",
      registers,
      collect() {
        this.reset();
        this.inc(viewCounts().counted);
      },
    });
    new Gauge({
      name: "views_pending",
      help: "Views that are counted but not in the database yet.",
      registers,
      collect() {
        this.set(viewCounts().pending);
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Times every request of a server. The route is its pattern, so that there are only so many. */
  observe(app: FastifyInstance): void {
    app.addHook("onResponse", async (request, reply) => {
      const labels = {
        method: request.method,
        route: request.routeOptions.url ?? "none",
        status: reply.statusCode,
      };
      this.#requestSeconds.observe(labels, reply.elapsedTime / 1000);
    });
  }
}
