// Where a picture can be fetched. Called by both doors.
import type { MediaId } from "../domain/ids.ts";

export class MediaUrls {
  /** @param baseUrl without a slash at its end; asked each time, as it is known only once the server listens */
  constructor(readonly baseUrl: () => string) {}

  original(id: MediaId): string {
    return `${this.baseUrl()}/api/users/media/${id}`;
  }

  thumbnail(id: MediaId): string {
    return `${this.original(id)}?thumbnail=true`;
  }
}
