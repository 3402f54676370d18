// Builds the public URLs of pictures.
import type { MediaId, UserId } from "../domain/ids.ts";
import { mediaPath, profilePicturePath } from "../domain/paths.ts";
import { pictureSizes, type PictureSize, type RenditionFormat } from "../domain/rendition.ts";

export class MediaUrls {
  /** @param baseUrl without a trailing slash; called each time, because it is known only once the server listens */
  constructor(readonly baseUrl: () => string) {}

  /** The origin of the URLs, for a content security policy. */
  origin(): string {
    return new URL(this.baseUrl()).origin;
  }

  original(id: MediaId): string {
    return this.baseUrl() + mediaPath(id);
  }

  thumbnail(id: MediaId): string {
    return `${this.original(id)}?thumbnail=true`;
  }

  square(id: MediaId, sizePx: PictureSize, format: RenditionFormat | null = null): string {
    return `${this.original(id)}?size=${sizePx}${format ? `&format=${format}` : ""}`;
  }

  /** Returns the `srcset` of an `<img>`: the squares up to the first that covers the picture's short side. */
  srcset(id: MediaId, shortSidePx: number | null, format: RenditionFormat | null = null): string {
    const enough = pictureSizes.findIndex((size) => size >= (shortSidePx ?? Infinity));
    const sizes = enough === -1 ? pictureSizes : pictureSizes.slice(0, enough + 1);
    return sizes
      .map((size) => `${this.square(id, size, format)} ${Math.min(size, shortSidePx ?? size)}w`)
      .join(", ");
  }

  /** Returns a URL that always shows the user's current picture, or the initials. */
  current(id: UserId, sizePx: PictureSize): string {
    return `${this.baseUrl()}${profilePicturePath(id)}?size=${sizePx}`;
  }
}
