// Baseline for GraphQL: Apollo Server with its default settings, on the same schema and data. Runs as a separate
// process, reads the data folder from its first argument and prints its address.
import type { FastifyRequest } from "fastify";

const { folder } = JSON.parse(process.argv[2]!) as { folder: string };
const env = { INSTANCE_DIR: folder, PORT: "0", LOG_LEVEL: "error" };
const { createApp } = await built<typeof import("../../src/app.ts")>("app");
const { loadConfig } = await built<typeof import("../../src/config/config.ts")>("config/config");
const service = await createApp(loadConfig(env));
await service.start();
console.log(await startStock());

/** Starts Apollo Server beside the service, and gives it the service's parts as context. */
async function startStock(): Promise<string> {
  const { createSchema } = await built<typeof import("../../src/graphql/schema.ts")>("graphql/schema");
  const { createLoaders } = await built<typeof import("../../src/graphql/loaders.ts")>("graphql/loaders");
  const { ApolloServer } = await import("@apollo/server");
  const { fastifyApolloHandler } = await import("@as-integrations/fastify");
  const { fastify } = await import("fastify");
  const apollo = new ApolloServer({ schema: await createSchema(service.rateLimits) });
  await apollo.start();
  const context = async ({ headers, id, log, ip }: FastifyRequest) => ({
    actor: await service.tokens.identify(headers.authorization),
    requestId: id,
    log,
    network: ip,
    services: service,
    loaders: createLoaders(service.accounts, service.media),
  });
  const server = fastify();
  server.post("/graphql", fastifyApolloHandler(apollo as never, { context }));
  return server.listen({ host: "127.0.0.1", port: 0 });
}

function built<Module>(name: string): Promise<Module> {
  return import(new URL(`../../dist/${name}.js`, import.meta.url).href) as Promise<Module>;
}
