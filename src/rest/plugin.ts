// Registers the REST routes under /api/users. This Fastify scope is separate from GraphQL's, because it leaves request
// bodies unread.
import type { FastifyInstance } from "fastify";

import { sendError } from "./error-body.ts";
import { registerProfilePictureRoutes, type ProfilePictureRouteOptions } from "./profile-picture.route.ts";

export async function restDoor(app: FastifyInstance, options: ProfilePictureRouteOptions): Promise<void> {
  // The upload route reads its form from the raw request. "*" keeps Fastify from rejecting other content types.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler(sendError);
  registerProfilePictureRoutes(app, options);
}
