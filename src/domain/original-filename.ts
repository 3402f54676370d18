// The name of the uploaded file. The service shows it as text, so that the user recognises the picture, and never uses
// it as a path.
import { removeInvisible } from "./invisible-text.ts";

/**
 * The limit of most file systems. Proxies limit the length of headers, so the name must also fit into a header, where
 * each of its bytes may take three characters.
 */
const MAX_BYTES = 255;

/**
 * Normalizing takes time that grows with the square of the number of accents in a row, so the input is cut first. Up
 * to two thirds of the input may be invisible characters, which are removed afterwards.
 */
const MAX_DECLARED_BYTES = 3 * MAX_BYTES;

/** Returns the last part of a declared path, without invisible characters; "picture" if nothing is left. */
export function cleanOriginalFilename(declared: string | undefined): string {
  const lastPart = (declared ?? "").split(/[/\\]/).at(-1) ?? "";
  const visible = removeInvisible(cutBytes(lastPart, MAX_DECLARED_BYTES).normalize("NFC")).trim();
  return cutFilename(visible) || "picture";
}

/** Returns the first characters of the name, up to 255 bytes of UTF-8. LetsApp's records may have longer names. */
export function cutFilename(name: string): string {
  return cutBytes(name, MAX_BYTES);
}

function cutBytes(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  let bytes = 0;
  let cut = "";
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) return cut;
    cut += character;
  }
  return cut;
}
