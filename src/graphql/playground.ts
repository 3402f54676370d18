// The playground: Altair, served from this process, with nothing from elsewhere. Registered by `app.ts`.
import fastifyStatic from "@fastify/static";
import { getDistDirectory, renderAltair } from "altair-static";
import type { FastifyInstance } from "fastify";

const PATH = "/playground/";

/** Altair writes its own styles at run time, and shows pictures that it gets as data. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
].join("; ");

const welcome = `# Sign up, then send the token with the others: Headers (left), Authorization: Bearer <token>.
# To upload a file: Variables, "Add files", named file.
mutation SignUp {
  register(input: { username: "ada", email: "ada@example.com", password: "correct horse" }) {
    token
    user { id username }
  }
}

query List {
  users(first: 20) {
    edges { node { id username profilePicture { thumbnailUrl viewCount } } }
  }
}

mutation Upload($file: Upload!) {
  uploadProfilePicture(file: $file) {
    message
    media { id url thumbnailUrl }
  }
}
`;

export async function playground(app: FastifyInstance): Promise<void> {
  const page = renderAltair({
    baseURL: PATH,
    endpointURL: "/graphql",
    initialQuery: welcome,
    // Without it a browser's upload would be refused as a possible forgery.
    initialHeaders: { "Apollo-Require-Preflight": "true" },
  });
  app.addHook("onSend", async (_request, reply) => {
    reply.header("content-security-policy", contentSecurityPolicy);
  });
  app.get(PATH.slice(0, -1), async (_request, reply) => reply.redirect(PATH));
  app.get(PATH, async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
  await app.register(fastifyStatic, {
    root: getDistDirectory(),
    prefix: PATH,
    index: false,
    decorateReply: false,
  });
}
