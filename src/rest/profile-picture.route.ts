// Uploads and deletions over plain HTTP. Registered by `plugin.ts`; calls `services/profile-picture-service.ts`.
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";

import type { AccessTokens } from "../auth/access-token.ts";
import type { UserId } from "../domain/ids.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import {
  DELETED_MESSAGE,
  ownUserId,
  UPDATED_MESSAGE,
  type ProfilePictureService,
} from "../services/profile-picture-service.ts";
import type { RateLimits } from "../services/rate-limits.ts";
import { readUpload, translateUploadError, type ReadUpload } from "../services/read-upload.ts";

export interface ProfilePictureRouteOptions {
  tokens: AccessTokens;
  rateLimits: RateLimits;
  profilePictures: ProfilePictureService;
  urls: MediaUrls;
}

interface ProfilePictureRequest {
  Params: { userId: string };
}

const FILE_FIELD = "file";

/** The file, and room for a few fields that nobody needs. One byte more than allowed tells "full" from "too full". */
const multipartLimits = {
  fileSize: pictureLimits.maxFileBytes + 1,
  files: 2,
  fields: 10,
  fieldSize: 1024,
  parts: 12,
};

export function registerProfilePictureRoutes(
  app: FastifyInstance,
  { tokens, rateLimits, profilePictures, urls }: ProfilePictureRouteOptions,
): void {
  app.post<ProfilePictureRequest>("/:userId/profile-picture", async (request) => {
    const currentUserId = await requireUser(tokens, request);
    await rateLimits.consumeUpload(currentUserId);
    const userId = ownUserId(currentUserId, request.params.userId);
    const { media } = await profilePictures.upload(userId, { read: () => readFile(request) });
    return {
      success: true,
      message: UPDATED_MESSAGE,
      media_id: media.id,
      url: urls.original(media.id),
      thumbnail_url: urls.thumbnail(media.id),
    };
  });

  app.delete<ProfilePictureRequest>("/:userId/profile-picture", async (request) => {
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

/**
 * Reads the form to its end, so as to know that there is exactly one file in it.
 *
 * @throws FILE_TOO_LARGE, BAD_USER_INPUT
 */
async function readFile(request: FastifyRequest): Promise<ReadUpload> {
  if (!request.isMultipart()) throw new AppError("BAD_USER_INPUT", expectation);
  let found: ReadUpload | undefined;
  try {
    for await (const part of request.parts({ limits: multipartLimits })) {
      if (part.type !== "file") continue;
      assertExpected(part, found !== undefined);
      found = { bytes: await readUpload(part.file), declaredFilename: part.filename };
    }
  } catch (cause) {
    throw translateUploadError(cause);
  }
  if (!found) throw new AppError("BAD_USER_INPUT", expectation);
  return found;
}

const expectation = `Send multipart/form-data with one file in the field "${FILE_FIELD}".`;

function assertExpected(part: MultipartFile, isSecond: boolean): void {
  if (isSecond || part.fieldname !== FILE_FIELD) throw new AppError("BAD_USER_INPUT", expectation);
}
