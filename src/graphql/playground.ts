// Serves the playground Altair from this process, without loading anything from other hosts.
import fastifyStatic from "@fastify/static";
import { getDistDirectory, renderAltair, renderInitSnippet } from "altair-static";
import type { FastifyInstance } from "fastify";

const PATH = "/playground/";
const ENDPOINT = "/graphql";
/** A placeholder for the WebSocket URL, which the start script computes in the browser. */
const LIVE_ENDPOINT = "/graphql#live";

const OPTIONS_SCRIPT = "initial-options.js";

/** Altair advertises a service of its maker to new users. This script marks the advertisement as seen. */
const noAdvertisement = `localStorage.setItem("altair:db:ai-plugin-showcased", '{"value":true}');`;

/** Altair inserts styles at run time, and shows images from `data:` and `blob:` URLs. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
].join("; ");

/** The tabs that the playground opens at first. */
const tabs = [
  {
    initialName: "1 Sign up",
    initialQuery: `# What every field means: "Docs" on the right, or /schema.graphql
#
# Copy the token that this returns into the headers of the other tabs:
#   Authorization   Bearer <token>
mutation SignUp {
  register(input: { username: "ada", email: "ada@example.com", password: "correct horse" }) {
    token
    user {
      id
      username
    }
  }
}
`,
  },
  {
    initialName: "2 Upload",
    initialQuery: `# Under "Variables", add a file with the name: file
mutation Upload($file: Upload!) {
  uploadProfilePicture(file: $file) {
    message
    media {
      id
      url
      thumbnailUrl
    }
  }
}
`,
  },
  {
    initialName: "3 List",
    initialQuery: `query List {
  users(first: 20) {
    edges {
      node {
        id
        username
        profilePicture {
          thumbnailUrl
          viewCount
        }
      }
    }
  }
}
`,
  },
  {
    initialName: "4 Live",
    initialQuery: `# Under "Request Handlers" on the left, put the token into the connection parameters.
# Send this, then change a picture in another tab.
subscription Live {
  profilePictureChanged {
    username
    profilePicture {
      thumbnailUrl
    }
  }
}
`,
  },
];

export async function playground(app: FastifyInstance): Promise<void> {
  const options = {
    baseURL: PATH,
    endpointURL: ENDPOINT,
    disableAccount: true,
    serveInitialOptionsInSeperateRequest: OPTIONS_SCRIPT,
    initialWindows: tabs.map((tab) => ({
      ...tab,
      endpointURL: ENDPOINT,
      subscriptionsEndpoint: LIVE_ENDPOINT,
      initialSubscriptionRequestHandlerId: "graphql-ws" as const,
      initialSubscriptionsPayload: { authorization: "Bearer <token>" },
      // `multipart.ts` rejects uploads without this header.
      initialHeaders: { "Apollo-Require-Preflight": "true" },
    })),
  };
  const page = renderAltair(options);
  // Altair does not accept relative URLs, and only the browser knows the address of this server.
  const address = `new URL("${ENDPOINT}", location.href).href`;
  const start = renderInitSnippet(options)
    .replaceAll(`\`${ENDPOINT}\``, address)
    .replaceAll(`\`${LIVE_ENDPOINT}\``, `${address}.replace(/^http/, "ws")`);
  const script = `${noAdvertisement}\n${start}`;
  app.addHook("onSend", async (_request, reply) => {
    reply.header("content-security-policy", contentSecurityPolicy);
  });
  app.get(PATH.slice(0, -1), async (_request, reply) => reply.redirect(PATH));
  app.get(PATH, async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
  app.get(`${PATH}${OPTIONS_SCRIPT}`, async (_request, reply) => {
    return reply.type("text/javascript; charset=utf-8").send(script);
  });
  await app.register(fastifyStatic, {
    root: getDistDirectory(),
    prefix: PATH,
    index: false,
    decorateReply: false,
  });
}
