// The REST routes that upload and delete a user's profile picture.
import type { FastifyInstance } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import { pictureOwner, requireActor } from "../auth/permissions.ts";
import { PROFILE_PICTURE_ROUTE } from "../domain/paths.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import {
  DELETED_MESSAGE,
  UPDATED_MESSAGE,
  type ProfilePictureService,
} from "../services/profile-picture-service.ts";
import type { RateLimits } from "../services/rate-limits.ts";
import { readFormFile } from "./form-file.ts";

export interface ProfilePictureRouteOptions {
  tokens: AccessTokens;
  rateLimits: RateLimits;
  profilePictures: ProfilePictureService;
  urls: MediaUrls;
}

interface ProfilePictureRequest {
  Params: { userId: string };
}

export function registerProfilePictureRoutes(
  app: FastifyInstance,
  { tokens, rateLimits, profilePictures, urls }: ProfilePictureRouteOptions,
): void {
  app.post<ProfilePictureRequest>(PROFILE_PICTURE_ROUTE, async (request) => {
    const actor = requireActor(await tokens.identify(request.headers.authorization));
    await rateLimits.admitUpload(actor.id);
    const userId = pictureOwner(actor, request.params.userId);
    const { media } = await profilePictures.upload(userId, {
      read: (share) => readFormFile(request.raw, share),
    });
    return {
      success: true,
      message: UPDATED_MESSAGE,
      media_id: media.id,
      url: urls.original(media.id),
      thumbnail_url: urls.thumbnail(media.id),
    };
  });

  app.delete<ProfilePictureRequest>(PROFILE_PICTURE_ROUTE, async (request) => {
    const actor = requireActor(await tokens.identify(request.headers.authorization));
    await profilePictures.delete(pictureOwner(actor, request.params.userId));
    return { success: true, message: DELETED_MESSAGE };
  });
}
