// The header that names the file when a browser saves a picture. Source: RFC 6266, RFC 8187.
import { cutFilename } from "../domain/original-filename.ts";

/** Tells browsers to show the picture, and to save it under the user's filename with the extension of its true type. */
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
