// The error for a file that is not a complete image.
import { AppError } from "../errors.ts";

/** @param what what is wrong with the file, as a clause whose subject is the file, such as "it ends too early" */
export function unreadable(format: "JPG" | "PNG" | "GIF", what: string): AppError {
  const message = `The file is not a complete ${format} image: ${what}. Save it again, or choose another file.`;
  return new AppError("UNREADABLE_IMAGE", message, { cause: new Error(what) });
}
