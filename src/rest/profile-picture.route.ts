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
import { readUpload } from "../services/read-upload.ts";

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
    const userId = await requireOwner(tokens, request);
    await rateLimits.consumeUpload(userId);
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
    await profilePictures.delete(await requireOwner(tokens, request));
    return { success: true, message: DELETED_MESSAGE };
  });
}

/** @throws UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT */
async function requireOwner(
  tokens: AccessTokens,
  { headers, params }: FastifyRequest<ProfilePictureRequest>,
): Promise<UserId> {
  const currentUserId = await tokens.identify(headers.authorization);
  if (!currentUserId) throw new AppError("UNAUTHENTICATED", "Sign in first.");
  return ownUserId(currentUserId, params.userId);
}

/**
 * Reads the form to its end, so as to know that there is exactly one file in it.
 *
 * @throws FILE_TOO_LARGE, BAD_USER_INPUT
 */
async function readFile(
  request: FastifyRequest,
): Promise<{ bytes: Buffer; declaredFilename: string | undefined }> {
  if (!request.isMultipart()) throw new AppError("BAD_USER_INPUT", expectation);
  let found: { bytes: Buffer; declaredFilename: string | undefined } | undefined;
  try {
    for await (const part of request.parts({ limits: multipartLimits })) {
      if (part.type !== "file") continue;
      assertExpected(part, found !== undefined);
      found = { bytes: await readUpload(part.file), declaredFilename: part.filename };
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("BAD_USER_INPUT", "The form is malformed or incomplete.", { cause });
  }
  if (!found) throw new AppError("BAD_USER_INPUT", expectation);
  return found;
}

const expectation = `Send multipart/form-data with one file in the field "${FILE_FIELD}".`;

function assertExpected(part: MultipartFile, isSecond: boolean): void {
  if (isSecond || part.fieldname !== FILE_FIELD) throw new AppError("BAD_USER_INPUT", expectation);
}
