// The error for a file that is not a complete image.
import { AppError } from "../errors.ts";

/** @param why the reason, for the log at level debug */
export function unreadable(format: "JPG" | "PNG" | "GIF", why: string): AppError {
  return new AppError("UNREADABLE_IMAGE", `The file is not a complete ${format} image.`, {
    cause: new Error(why),
  });
}
