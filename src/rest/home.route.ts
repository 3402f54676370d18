// What a person sees who opens the address in a browser. Registered by `app.ts`.
import type { FastifyInstance } from "fastify";

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>LetsApp profile pictures</title>
<h1>LetsApp profile pictures</h1>
<p>This address serves the profile pictures of LetsApp.</p>
<ul>
  <li><a href="/playground">Playground</a>: try the API, upload a picture
  <li><code>POST /graphql</code>: the GraphQL API
  <li><code>GET /api/users/media/&lt;id&gt;</code>: a picture; with <code>?thumbnail=true</code> its thumbnail
</ul>
</html>
`;

export function registerHomeRoute(app: FastifyInstance): void {
  app.get("/", async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
}
