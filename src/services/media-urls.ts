// Where pictures can be fetched. Called by both doors.
import type { MediaId, UserId } from "../domain/ids.ts";
import { mediaPath, profilePicturePath } from "../domain/paths.ts";
import { pictureSizes, type PictureSize, type RenditionFormat } from "../domain/rendition.ts";

export class MediaUrls {
  /** @param baseUrl without a slash at its end; asked each time, as it is known only once the server listens */
  constructor(readonly baseUrl: () => string) {}

  /** Where browsers fetch pictures from, as a content security policy names it. */
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

  /** For the `srcset` of an `<img>`: the squares up to the first that holds all of the picture. */
  srcset(id: MediaId, shortSidePx: number | null, format: RenditionFormat | null = null): string {
    const enough = pictureSizes.findIndex((size) => size >= (shortSidePx ?? Infinity));
    const sizes = enough === -1 ? pictureSizes : pictureSizes.slice(0, enough + 1);
    return sizes
      .map((size) => `${this.square(id, size, format)} ${Math.min(size, shortSidePx ?? size)}w`)
      .join(", ");
  }

  /** Of whatever picture a user has now, or of the one that is drawn where there is none. */
  current(id: UserId, sizePx: PictureSize): string {
    return `${this.baseUrl()}${profilePicturePath(id)}?size=${sizePx}`;
  }
}
