// Uploads and deletions over plain HTTP. Registered by `plugin.ts`; calls `services/profile-picture-service.ts`.
import type { FastifyInstance, FastifyRequest } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import type { UserId } from "../domain/ids.ts";
import { PROFILE_PICTURE_ROUTE } from "../domain/paths.ts";
import { AppError } from "../errors.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import { ownUserId } from "../services/own-user-id.ts";
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
    const currentUserId = await requireUser(tokens, request);
    await rateLimits.consumeUpload(currentUserId);
    const userId = ownUserId(currentUserId, request.params.userId);
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
    const currentUserId = await requireUser(tokens, request);
    await profilePictures.delete(ownUserId(currentUserId, request.params.userId));
    return { success: true, message: DELETED_MESSAGE };
  });
}

/** @throws UNAUTHENTICATED */
async function requireUser(tokens: AccessTokens, { headers }: FastifyRequest): Promise<UserId> {
  const currentUserId = await tokens.identify(headers.authorization);
  if (!currentUserId) throw new AppError("UNAUTHENTICATED", "Sign in first.");
  return currentUserId;
}
