// The name that a user's file had. It is kept for the user to recognise and shown as text, never used as a path.
import { removeInvisible } from "./invisible-text.ts";

/** As in most file systems. In a header each byte may take three characters, and proxies bound those. */
const MAX_BYTES = 255;

/** Composing takes time that grows with the square of the number of accents in a row. Two in three may be invisible. */
const MAX_DECLARED_BYTES = 3 * MAX_BYTES;

/** The last part of a declared path, without anything invisible; "picture" when nothing is left. */
export function cleanOriginalFilename(declared: string | undefined): string {
  const lastPart = (declared ?? "").split(/[/\\]/).at(-1) ?? "";
  const visible = removeInvisible(cutBytes(lastPart, MAX_DECLARED_BYTES).normalize("NFC")).trim();
  return cutFilename(visible) || "picture";
}

/** The name's first characters, up to 255 bytes of UTF-8. Records of LetsApp's may have longer names. */
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
