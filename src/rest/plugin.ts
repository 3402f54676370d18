// The plain HTTP door, under /api/users. Registered by `app.ts`, in a scope of its own: it leaves bodies
// unread, which GraphQL's must not.
import type { FastifyInstance } from "fastify";

import { registerCurrentPictureRoute, type CurrentPictureRouteOptions } from "./current-picture.route.ts";
import { sendError } from "./error-body.ts";
import { registerProfilePictureRoutes, type ProfilePictureRouteOptions } from "./profile-picture.route.ts";

export async function restDoor(
  app: FastifyInstance,
  options: ProfilePictureRouteOptions & CurrentPictureRouteOptions,
): Promise<void> {
  // No route takes another body than a form; clients that announce one all the same are served.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler(sendError);
  registerProfilePictureRoutes(app, options);
  registerCurrentPictureRoute(app, options);
}
