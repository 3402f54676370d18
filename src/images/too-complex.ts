// The one wording for a picture that would cost too much. Used by the files that read headers and walk the formats.
import { AppError } from "../errors.ts";

/** @param what is too much: "pixels", "frames" */
export function tooComplex(what: string, limit: number, actual: number): AppError {
  const [bound, found] = [limit, actual].map((number) => number.toLocaleString("en"));
  const message = `The image comes to ${found} ${what}; up to ${bound} are accepted.`;
  return new AppError("IMAGE_TOO_COMPLEX", message, { limit, actual });
}
