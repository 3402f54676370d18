// The name that a user's file had. It is kept for the user to recognise and shown as text, never used as a path.
import { removeInvisible } from "./invisible-text.ts";

const MAX_CHARACTERS = 255;

/** The last part of a declared path, without anything invisible; "picture" when nothing is left. */
export function cleanOriginalFilename(declared: string | undefined): string {
  const lastPart = (declared ?? "").split(/[/\\]/).at(-1) ?? "";
  const visible = removeInvisible(lastPart.normalize("NFC")).trim();
  return [...visible].slice(0, MAX_CHARACTERS).join("") || "picture";
}
