// The name under which a browser would save a picture. Called by `media.route.ts`. Source: RFC 6266, RFC 8187.
import { cutFilename } from "../domain/original-filename.ts";

/** Shown in place, with the user's name for the file and the ending of its true type. */
export function inlineDisposition(filename: string, extension: string): string {
  const name = `${cutFilename(filename).replace(/\.[^.]*$/, "") || "picture"}${extension}`;
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return plain === name
    ? `inline; filename="${plain}"`
    : `inline; filename="${plain}"; filename*=UTF-8''${exact}`;
}
