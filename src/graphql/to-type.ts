// From the services' nouns to the graph's types. Called by the resolvers.
import type { Media } from "../domain/media.ts";
import type { User } from "../domain/user.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import type { MediaType } from "./media.type.ts";
import type { UserType } from "./user.type.ts";

export function toUserType(user: User): UserType {
  return user;
}

export function toMediaType(media: Media, urls: MediaUrls): MediaType {
  return {
    id: media.id,
    url: urls.original(media.id),
    thumbnailUrl: urls.thumbnail(media.id),
    originalFilename: media.originalFilename,
    fileSize: media.fileSizeBytes,
    mediaType: media.mediaType,
    mimeType: media.contentType,
    width: media.width,
    height: media.height,
    viewCount: media.viewCount,
    createdAt: media.createdAt,
    uploaderId: media.uploaderId,
  };
}
