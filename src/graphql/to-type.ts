// Converts records of the services to types of the graph.
import type { Media } from "../domain/media.ts";
import type { User } from "../domain/user.ts";
import type { MediaUrls } from "../services/media-urls.ts";
import { encodeCursor } from "./cursor.ts";
import { MediaType } from "./media.type.ts";
import { UserType, type UserEdge } from "./user.type.ts";

/** Converted objects, kept as long as their records are in memory, because most records are sent many times. */
const userTypes = new WeakMap<User, UserType>();
const userEdges = new WeakMap<User, UserEdge>();
const mediaTypes = new WeakMap<Media, MediaType>();

export function toUserType(user: User): UserType {
  let type = userTypes.get(user);
  if (!type) {
    type = Object.assign(new UserType(), user);
    userTypes.set(user, type);
  }
  return type;
}

export function toUserEdge(user: User): UserEdge {
  let edge = userEdges.get(user);
  if (!edge) {
    edge = { cursor: encodeCursor(user.id), node: toUserType(user) };
    userEdges.set(user, edge);
  }
  return edge;
}

export function toMediaType(media: Media, urls: MediaUrls): MediaType {
  let type = mediaTypes.get(media);
  if (!type) {
    type = Object.assign(new MediaType(), {
      id: media.id,
      thumbnailUrl: urls.thumbnail(media.id),
      originalFilename: media.originalFilename,
      fileSize: media.fileSizeBytes,
      mediaType: media.mediaType,
      mimeType: media.contentType,
      width: media.width,
      height: media.height,
      createdAt: media.createdAt,
      uploaderId: media.uploaderId,
      media,
    });
    mediaTypes.set(media, type);
  }
  return type;
}
