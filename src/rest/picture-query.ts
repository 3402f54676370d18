// Which rendition of a picture an address asks for. Called by `media.route.ts` and `picture-front.ts`.
import { AppError } from "../errors.ts";
import type { PictureVariant } from "../services/media-service.ts";

/** @throws BAD_USER_INPUT for anything but true, false or nothing */
export function readVariant(query: { thumbnail?: unknown }): PictureVariant {
  const { thumbnail } = query;
  if (thumbnail === undefined || thumbnail === "false") return "original";
  if (thumbnail === "true") return "thumbnail";
  throw new AppError("BAD_USER_INPUT", "The parameter thumbnail is true or false.", {
    allowed: ["true", "false"],
  });
}

const usual = new Map<string, PictureVariant>([
  ["", "original"],
  ["?thumbnail=true", "thumbnail"],
]);

/** What the part of an address from its "?" on asks for, as our own addresses are written; undefined for any other. */
export function readUsual(search: string): PictureVariant | undefined {
  return usual.get(search);
}
