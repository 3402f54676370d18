// The one wording for a file that is no whole image. Used by the files that walk the three formats.
import { AppError } from "../errors.ts";

/** @param why for the log, at level debug */
export function unreadable(format: "JPG" | "PNG" | "GIF", why: string): AppError {
  return new AppError("UNREADABLE_IMAGE", `The file is not a complete ${format} image.`, {
    cause: new Error(why),
  });
}
