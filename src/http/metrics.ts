// Collects the metrics of the service for Prometheus.
import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Functions that return numbers of other parts. Each is called whenever the metrics are rendered. */
export interface MetricSources {
  views: () => { counted: number; pending: number };
  pictures: () => { running: number; waiting: number };
  /** State of each in-memory cache, by the name of the cache. */
  caches: () => Record<string, { count: number; weight: number; hits: number; misses: number }>;
  /** Number of answers 200 and 304 from memory, by HTTP status. */
  fromMemory: () => Record<string, number>;
  /** Number of media by result, over all runs. The name of each result ends with "Count". */
  cleanup: () => object;
  /** Number of purges at the CDN, by result; null when the service purges no CDN. */
  cdnPurge: () => { purged: number; failed: number; givenUp: number; waiting: number } | null;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#histogram(
    "http_request_duration_seconds",
    "Time from the start of a request to the end of its answer.",
    ["method", "route", "status"],
  );
  readonly #pictures = this.#histogram(
    "picture_duration_seconds",
    "Time to make an uploaded picture safe, including the wait for a turn.",
    [],
  );
  readonly #operations = this.#counter(
    "graphql_operations_total",
    "GraphQL operations over HTTP by the code of their first error, or OK, and by their first field: " +
      "fragment for a fragment, none for an invalid operation.",
    ["operation", "code"],
  );
  readonly #uploads = this.#counter(
    "uploads_total",
    "Uploads through GraphQL and REST by outcome: stored, or the code of an error.",
    ["outcome"],
  );

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Registers the metrics whose values other parts keep. */
  watch(sources: MetricSources): void {
    this.#collected("views_counted_total", "Views since the start of this process.", [], () => [
      { labels: {}, value: sources.views().counted },
    ]);
    this.#collected("views_pending", "Views that are not in the database yet.", [], () => [
      { labels: {}, value: sources.views().pending },
    ]);
    this.#collected(
      "pictures_in_work",
      "Uploads, squares, animations and placeholders in the queue of image work, by state: running or waiting.",
      ["state"],
      () => Object.entries(sources.pictures()).map(([state, value]) => ({ labels: { state }, value })),
    );
    this.#collected(
      "pictures_from_memory_total",
      "Answers 200 and 304 from memory, by status. Answers from memory are in no other metric of requests, and their " +
        "206 and 412 are not counted.",
      ["status"],
      () => Object.entries(sources.fromMemory()).map(([status, value]) => ({ labels: { status }, value })),
    );
    this.#collected(
      "cache_lookups_total",
      "Lookups in the in-memory caches, by result.",
      ["cache", "result"],
      () =>
        Object.entries(sources.caches()).flatMap(([cache, { hits, misses }]) => [
          { labels: { cache, result: "hit" }, value: hits },
          { labels: { cache, result: "miss" }, value: misses },
        ]),
    );
    this.#collected("cache_entries", "Entries in the in-memory caches.", ["cache"], () =>
      Object.entries(sources.caches()).map(([cache, { count }]) => ({ labels: { cache }, value: count })),
    );
    this.#collected(
      "cleanup_media_total",
      "Media that the clean-up job has processed, by result.",
      ["result"],
      () =>
        Object.entries(sources.cleanup()).map(([name, value]) => ({
          labels: { result: name.replace(/Count$/, "") },
          value: value as number,
        })),
    );
    this.#watchCdnPurge(sources.cdnPurge);
  }

  #watchCdnPurge(state: MetricSources["cdnPurge"]): void {
    this.#collected("edge_purges_total", "Purges at the CDN, by result.", ["result"], () => {
      const { purged, failed, givenUp } = state() ?? { purged: 0, failed: 0, givenUp: 0 };
      return Object.entries({ purged, failed, given_up: givenUp }).map(([result, value]) => ({
        labels: { result },
        value,
      }));
    });
    this.#collected("edge_purges_waiting", "Purges at the CDN that are still to be done.", [], () => [
      { labels: {}, value: state()?.waiting ?? 0 },
    ]);
  }

  /** Registers the metrics of live connections and their subscriptions. */
  watchLive(state: () => { connections: number; subscriptions: number }): void {
    this.#collected("live_connections", "Clients that are connected for subscriptions.", [], () => [
      { labels: {}, value: state().connections },
    ]);
    this.#collected("live_subscriptions", "Subscriptions of all clients.", [], () => [
      { labels: {}, value: state().subscriptions },
    ]);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Times every request of a server. The label `route` is the route's pattern, so that its values are bounded. */
  observe(app: FastifyInstance): void {
    app.addHook("onResponse", async (request, reply) => {
      const route = request.routeOptions.url ?? "none";
      this.requestAnswered(
        { method: request.method, route, status: reply.statusCode },
        reply.elapsedTime / 1000,
      );
    });
  }

  requestAnswered(request: { method: string; route: string; status: number }, seconds: number): void {
    this.#requests.observe(request, seconds);
  }

  countOperation(operation: string, code: string): void {
    this.#operations.inc({ operation, code });
  }

  pictureMade(seconds: number): void {
    this.#pictures.observe(seconds);
  }

  uploadEnded(outcome: string): void {
    this.#uploads.inc({ outcome });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: Label[]): Histogram<Label> {
    const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** Registers a metric whose value another part keeps: a counter if the name ends with "_total", else a gauge. */
  #collected(
    name: string,
    help: string,
    labelNames: string[],
    read: () => { labels: Record<string, string>; value: number }[],
  ): void {
    const options = { name, help, labelNames, registers: [this.#registry] };
    if (!name.endsWith("_total")) {
      const gauge: Gauge = new Gauge({
        ...options,
        collect: () => read().forEach(({ labels, value }) => gauge.set(labels, value)),
      });
      return;
    }
    const counter: Counter = new Counter({
      ...options,
      collect() {
        counter.reset();
        for (const { labels, value } of read()) counter.inc(labels, value);
      },
    });
  }
}
